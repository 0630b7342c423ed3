// SPDX-License-Identifier: MIT

package main

import (
	"fmt"
	"net"
	"os"
	"strconv"
)

// serve echoes one connection. A plain loop: io.Copy would splice the bytes
// through a pipe, which is dearer for messages of this size.
func serve(connection net.Conn, size int) {
	defer connection.Close()
	buf := make([]byte, size)
	for {
		length, err := connection.Read(buf)
		if err != nil {
			return
		}
		if _, err = connection.Write(buf[:length]); err != nil {
			return
		}
	}
}

// echo is the peer of the rows about connections: PROGRAM echo SIZE. A
// goroutine for each connection; the net package sets TCP_NODELAY.
func echo() {
	size := 16384
	if len(os.Args) > 2 {
		size, _ = strconv.Atoi(os.Args[2])
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	check(err == nil, "listen")
	fmt.Println("port", listener.Addr().(*net.TCPAddr).Port)
	for {
		connection, err := listener.Accept()
		check(err == nil, "accept")
		go serve(connection, size)
	}
}
