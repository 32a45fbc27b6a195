// Command floor is the least that a Go program can do to answer initialize
// through jsonrpc2. The start-up benchmark measures the agent against it.
package main

import (
	"context"
	"os"

	"github.com/sourcegraph/jsonrpc2"
)

type stdio struct{}

func (stdio) Read(p []byte) (int, error)  { return os.Stdin.Read(p) }
func (stdio) Write(p []byte) (int, error) { return os.Stdout.Write(p) }
func (stdio) Close() error                { return os.Stdin.Close() }

type handler struct{}

func (handler) Handle(ctx context.Context, conn *jsonrpc2.Conn, req *jsonrpc2.Request) {
	if !req.Notif {
		conn.Reply(ctx, req.ID, map[string]any{"capabilities": map[string]any{}})
	}
}

func main() {
	stream := jsonrpc2.NewBufferedStream(stdio{}, jsonrpc2.VSCodeObjectCodec{})
	<-jsonrpc2.NewConn(context.Background(), stream, handler{}).DisconnectNotify()
}
