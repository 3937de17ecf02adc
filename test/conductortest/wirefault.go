package conductortest

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// Wire is a fault of an HTTP response.
type Wire int

// The faults of responses.
const (
	WireClose     Wire = iota + 1 // the connection is closed without a response
	WireReset                     // the same with a TCP RST
	WireHang                      // no response until the client disconnects
	WireHTML                      // 200 with an HTML page that repeats the request
	WireTruncated                 // 200 with truncated JSON
	WireShort                     // a body shorter than its Content-Length
	WireGarbage                   // bytes that are not HTTP and repeat the request
	WireBomb                      // a small gzip of a body of 64 MiB
	WireHuge                      // a body of 200 MiB
	WireSlow                      // headers, then a byte every 10 ms
	WireEndless                   // a body that does not end
)

// bombSize is the unpacked size of [WireBomb].
const bombSize = 64 << 20

// send writes a faulty response. echo is the request, which some faults repeat.
func (w Wire) send(rw http.ResponseWriter, r *http.Request, echo string) {
	switch w {
	case WireClose, WireReset:
		closeConnection(rw, w == WireReset, "")
	case WireGarbage:
		closeConnection(rw, false, "SSH-2.0-"+echo+"\r\n\r\n")
	case WireHang:
		<-r.Context().Done()
	case WireHTML:
		page(rw, http.StatusOK, echo)
	case WireTruncated:
		rw.Header().Set("Content-Type", "application/json")
		write(rw, `[{"taskId":"task-1","workflowInstanceId":"workflow-1","inputData":{"privateKey":"---`)
	case WireShort:
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Length", "4096")
		write(rw, `[{"taskId":"task-1"`)
	case WireBomb:
		gzipBomb(rw)
	case WireHuge:
		rw.Header().Set("Content-Length", fmt.Sprint(200<<20))
		flood(rw, r, 200<<20, 64<<10, 0)
	case WireSlow:
		flood(rw, r, 1<<20, 1, 10*time.Millisecond)
	case WireEndless:
		flood(rw, r, 1<<62, 64<<10, 0)
	}
}

// closeConnection sends last and closes the connection, with a TCP RST if reset is set.
func closeConnection(rw http.ResponseWriter, reset bool, last string) {
	conn, _, err := http.NewResponseController(rw).Hijack()
	if err != nil { // HTTP/2 cannot be hijacked; this ends the stream
		panic(http.ErrAbortHandler)
	}
	if last != "" {
		_, _ = io.WriteString(conn, last)
	}
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func page(rw http.ResponseWriter, status int, echo string) {
	rw.Header().Set("Content-Type", "text/html;charset=utf-8")
	rw.WriteHeader(status)
	write(rw, "<!doctype html><title>Sorry</title><p>Something is wrong with: "+echo)
}

func gzipBomb(rw http.ResponseWriter) {
	rw.Header().Set("Content-Type", "application/json")
	rw.Header().Set("Content-Encoding", "gzip")
	packed := gzip.NewWriter(rw)
	blank := []byte(strings.Repeat(" ", 1<<20))
	for range bombSize >> 20 {
		if _, err := packed.Write(blank); err != nil {
			return
		}
	}
	_ = packed.Close()
}

// flood writes n spaces, step at a time, until the client disconnects.
func flood(rw http.ResponseWriter, r *http.Request, n, step int, every time.Duration) {
	rw.Header().Set("Content-Type", "application/json")
	blank := strings.Repeat(" ", step)
	out := http.NewResponseController(rw)
	for sent := 0; sent < n; sent += step {
		if _, err := io.WriteString(rw, blank); err != nil {
			return
		}
		if out.Flush() != nil || Pause(r.Context(), every) != nil {
			return
		}
	}
}

// write writes to a client that may have disconnected.
func write(rw io.Writer, text string) { _, _ = io.WriteString(rw, text) }
