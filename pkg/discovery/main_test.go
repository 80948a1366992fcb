package discovery_test

import (
	"context"
	"net"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	stop := misleadingNames()
	code := m.Run()
	stop()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
	}
	os.Exit(code)
}

// misleadingNames has this process ask a name server that knows metadata.test
// alone, which leads to a link-local address.
func misleadingNames() (stop func()) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for buffer := make([]byte, 512); ; {
			n, from, err := server.ReadFrom(buffer)
			if err != nil {
				return
			}
			_, _ = server.WriteTo(reply(buffer[:n]), from)
		}
	}()
	return func() {
		_ = server.Close()
		<-done
	}
}

// reply to a question (RFC 1035, section 4.1): the name's only address, or that
// there is no such name.
func reply(question []byte) []byte {
	const header, metadata = 12, "\x08metadata\x04test\x00"
	end := header
	for end < len(question) && question[end] != 0 {
		end += int(question[end]) + 1
	}
	end += 5 // the root, type and class
	if end > len(question) {
		return nil
	}
	answer := append([]byte{}, question[:end]...)
	answer[2], answer[3] = 0x81, 0x80      // a response, recursion available
	copy(answer[6:12], []byte{0, 0, 0, 0}) // no records
	answer[10], answer[11] = 0, 0
	if string(question[header:end-4]) != metadata {
		answer[3] |= 3 // NXDOMAIN
		return answer
	}
	if question[end-3] == 1 { // A
		answer[7] = 1
		answer = append(answer, 0xc0, header, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 169, 254, 169, 254)
	}
	return answer
}
