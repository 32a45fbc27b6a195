package agent_test

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// BenchmarkStart measures from the spawn of a process to its answer to
// initialize: of the agent, and of the least that a Go program can do through
// jsonrpc2 (testdata/floor). The two take turns, so that a machine that slows
// down slows both; compare the medians.
func BenchmarkStart(b *testing.B) {
	agent, floor := install(b, "./cmd/codestream-agent"), install(b, "../testdata/floor")
	var agentTimes, floorTimes []time.Duration
	for b.Loop() {
		agentTimes = append(agentTimes, timeToInitialize(b, agent))
		floorTimes = append(floorTimes, timeToInitialize(b, floor))
	}
	a, f := median(agentTimes), median(floorTimes)
	b.ReportMetric(a.Seconds()*1e3, "agent-ms")
	b.ReportMetric(f.Seconds()*1e3, "floor-ms")
	b.ReportMetric(float64(a)/float64(f), "agent/floor")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkStartRegistryAway measures the same of an agent with a team's registry
// that takes connections and says nothing, and of one without any, in turn.
func BenchmarkStartRegistryAway(b *testing.B) {
	agent := install(b, "./cmd/codestream-agent")
	silent, err := net.Listen("tcp", "127.0.0.1:0") // the system takes the connections
	if err != nil {
		b.Fatal(err)
	}
	defer silent.Close()
	away := frame(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"capabilities":{},` +
		`"initializationOptions":{"team":{"registry":"nats://` + silent.Addr().String() + `"}}}}`)
	var with, without []time.Duration
	for b.Loop() {
		with = append(with, timeToAnswer(b, agent, away))
		without = append(without, timeToInitialize(b, agent))
	}
	w, o := median(with), median(without)
	b.ReportMetric(w.Seconds()*1e3, "registry-away-ms")
	b.ReportMetric(o.Seconds()*1e3, "no-registry-ms")
	b.ReportMetric(float64(w)/float64(o), "away/none")
	b.ReportMetric(0, "ns/op")
}

// install builds a program and copies it, as its installation does. The linker
// leaves a file in the system's cache in pieces of chance, with which the same
// program starts up to a tenth faster or slower.
func install(b *testing.B, pkg string) string {
	b.Helper()
	program, err := os.ReadFile(build(b, pkg))
	if err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), filepath.Base(pkg)+".exe") // the ending is Windows's, and harmless elsewhere
	if err := os.WriteFile(path, program, 0o700); err != nil {
		b.Fatal(err)
	}
	return path
}

// initializeFrame is the least that an editor sends.
const initializeFrame = "Content-Length: 92\r\n\r\n" +
	`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"capabilities":{}}}`

func timeToInitialize(b *testing.B, program string) time.Duration {
	return timeToAnswer(b, program, initializeFrame)
}

// timeToAnswer measures from the spawn of a process to its answer to a question.
func timeToAnswer(b *testing.B, program, question string) time.Duration {
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), "CODESTREAM_DATA_DIR="+b.TempDir(), "CODESTREAM_KEYRING=off")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	if _, err := io.WriteString(stdin, question); err != nil {
		b.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := io.ReadFull(stdout, answer); err != nil {
		b.Fatal(err)
	}
	took := time.Since(began)
	stdin.Close()
	io.Copy(io.Discard, stdout)
	cmd.Wait() // the agent's status is 1, since nobody said shutdown
	return took
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
