# SPDX-License-Identifier: MIT
"""Peer of the rows about connections: asyncio, uvloop.

Called as echo.py LOOP STYLE SIZE, STYLE being streams (a task for each
connection, straight code) or protocol (callbacks, no tasks).
"""
import asyncio
import gc
import socket
import sys

if sys.argv[1:2] == ["uvloop"]:
    import uvloop


def streams(size):
    async def on_client(reader, writer):
        try:
            while data := await reader.read(size):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        writer.close()

    return on_client


class Echo(asyncio.Protocol):
    """A slow reader is not held back: the generator has none."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def serve(style, size):
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    if style == "streams":
        server = await asyncio.start_server(streams(size), sock=listener,
                                            backlog=4096)
    else:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, sock=listener, backlog=4096)
    print("port", listener.getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    loop_name, style, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    new_loop = asyncio.new_event_loop
    if loop_name == "uvloop":
        new_loop = uvloop.new_event_loop
    gc.freeze()
    new_loop().run_until_complete(serve(style, size))


if __name__ == "__main__":
    main()
