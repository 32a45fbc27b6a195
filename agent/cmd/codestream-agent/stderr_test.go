package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
)

// An editor that does not read stderr does not stop the program, and learns later
// that it has missed something.
func TestWhoLogsDoesNotWaitForAReader(t *testing.T) {
	read, write := io.Pipe()
	u := newUnhurried(write)
	const sent = 3 * maxLines
	for i := range sent { // which would hang
		fmt.Fprintf(u, "line %d\n", i)
	}
	text := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(read)
		text <- string(all)
	}()
	for u.waits() { // until there is room again
	}
	fmt.Fprintln(u, "the last line")
	if err := u.Close(); err != nil {
		t.Fatal(err)
	}
	<-u.done
	write.Close()
	next, lost := 0, 0
	got := strings.Split(strings.TrimSpace(<-text), "\n")
	for _, line := range got[:len(got)-1] {
		var n int
		if _, err := fmt.Sscanf(line, "codestream-agent: %d lines of the log were lost", &n); err == nil {
			lost += n
			next += n
			continue
		}
		if want := fmt.Sprintf("line %d", next); line != want {
			t.Fatalf("%q came where %q was next", line, want)
		}
		next++
	}
	if next != sent || lost == 0 || got[len(got)-1] != "the last line" {
		t.Errorf("%d lines of %d came or were counted as lost (%d), and then %q", next, sent, lost, got[len(got)-1])
	}
}

func (u *unhurried) waits() bool { return len(u.lines) > 0 }

func TestNothingIsWrittenAfterTheEnd(t *testing.T) {
	var out strings.Builder
	u := newUnhurried(&out)
	fmt.Fprintln(u, "before")
	u.Close()
	fmt.Fprintln(u, "after")
	if out.String() != "before\n" {
		t.Errorf("what was written is %q", out.String())
	}
}
