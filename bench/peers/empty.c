/* SPDX-License-Identifier: MIT */
/* Peer of start: the least that a C program can be. */
int main(void)
{
    return 0;
}
