module casyncio.bench/peer

go 1.19
