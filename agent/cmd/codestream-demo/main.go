// Command codestream-demo plays the whole job of the agent for a person to
// watch: it starts a GitLab of its own on this machine, spawns the real program
// as an editor does, signs in through a browser, calls the API, lets a token run
// out, restarts the agent, and signs out. It prints the conversation as it goes.
//
// The browser is a stand-in that presses the buttons by itself; with -browser
// the user's own opens, and they press them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	agent := flag.String("agent", "", "the codestream-agent program to play with")
	browser := flag.String("browser", "", "a command that opens a URL, to press the buttons yourself")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *agent, *browser); err != nil {
		fmt.Fprintln(os.Stderr, "codestream-demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, agent, browser string) error {
	wait := time.Minute
	if browser != "" {
		wait = 10 * time.Minute // for a person
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	dir, err := os.MkdirTemp("", "codestream-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	p, err := newPlay(agent, browser, dir)
	if err != nil {
		return err
	}
	defer p.gitlab.Close()
	return p.play(ctx)
}
