// http.go - just enough HTTP for a benchmark: GET of three constant bodies, with keep-alive. Answers
// are made once, header and body in one piece. Go's net/http is another contestant, and a slower one.
package main

import (
	"bytes"
	"fmt"

	"gvisor.dev/gvisor/pkg/tcpip"
)

const requestMax = 4096

// A page is what is sent for a path: when the connection stays, and when it ends.
type page struct {
	stay, end []byte
}

var pages = map[string]page{
	"/":    newPage("200 OK", 100),
	"/100": newPage("200 OK", 100),
	"/10k": newPage("200 OK", 10240),
}

var notFound = newPage("404 Not Found", 10)

func newPage(status string, size int) page {
	answer := func(more string) []byte {
		head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Length: %d\r\nContent-Type: text/html\r\n%s\r\n", status, size, more)
		return append([]byte(head), bytes.Repeat([]byte("x"), size)...)
	}
	return page{stay: answer(""), end: answer("Connection: close\r\n")}
}

var (
	blankLine  = []byte("\r\n\r\n")
	lineEnd    = []byte("\r\n")
	space      = []byte(" ")
	old        = []byte(" HTTP/1.0")
	connection = []byte("connection:")
	endToken   = []byte("close")
	stayToken  = []byte("keep-alive")
)

// hasToken looks for the token in a header's value, whatever the case.
func hasToken(value, token []byte) bool {
	for ; len(value) >= len(token); value = value[1:] {
		if bytes.EqualFold(value[:len(token)], token) {
			return true
		}
	}
	return false
}

// answerTo is what a request is sent, and whether the connection ends behind it.
func answerTo(head []byte) ([]byte, bool) {
	line, rest, _ := bytes.Cut(head, lineEnd)
	isOld := bytes.HasSuffix(line, old)
	end := isOld
	for len(rest) > 0 {
		var field []byte
		field, rest, _ = bytes.Cut(rest, lineEnd)
		if len(field) < len(connection) || !bytes.EqualFold(field[:len(connection)], connection) {
			continue
		}
		value := field[len(connection):]
		end = hasToken(value, endToken) || (isOld && !hasToken(value, stayToken))
	}

	found := notFound
	if method, target, _ := bytes.Cut(line, space); string(method) == "GET" {
		path, _, _ := bytes.Cut(target, space)
		if p, ok := pages[string(path)]; ok {
			found = p
		}
	}
	if end {
		return found.end, true
	}
	return found.stay, false
}

func serveHTTP(c *conn) {
	octets := make([]byte, requestMax)
	have := 0
	for have < len(octets) {
		room := tcpip.SliceWriter(octets[have:])
		n, ok := c.read(&room)
		if !ok {
			return
		}
		have += n
		for {
			at := bytes.Index(octets[:have], blankLine)
			if at < 0 {
				break
			}
			answer, end := answerTo(octets[:at])
			if !c.write(answer) || end {
				return
			}
			have = copy(octets, octets[at+len(blankLine):have])
		}
	}
}
