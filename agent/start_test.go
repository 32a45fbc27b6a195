package agent_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
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
// that takes connections and says nothing, and of one without any, in turn; and from
// the spawn to the answer to the first status, which comes once the agent is at work
// on the connection. Each run of the first ends only when the registry was dialled.
func BenchmarkStartRegistryAway(b *testing.B) {
	agent := install(b, "./cmd/codestream-agent")
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer silent.Close()
	dialled := func() {
		conn, err := silent.Accept()
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { conn.Close() })
	}
	options := `{"team":{"registry":"nats://` + silent.Addr().String() + `"}}`
	var with, without, withStatus, withoutStatus []time.Duration
	for b.Loop() {
		initialized, status := timeToStatus(b, agent, options, dialled)
		with, withStatus = append(with, initialized), append(withStatus, status)
		initialized, status = timeToStatus(b, agent, `{}`, func() {})
		without, withoutStatus = append(without, initialized), append(withoutStatus, status)
	}
	report := func(what string, with, without []time.Duration) {
		w, o := median(with), median(without)
		b.ReportMetric(w.Seconds()*1e3, what+"-away-ms")
		b.ReportMetric(o.Seconds()*1e3, what+"-none-ms")
		b.ReportMetric(float64(w)/float64(o), what+"-away/none")
	}
	report("initialize", with, without)
	report("status", withStatus, withoutStatus)
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
	agent := launch(b, program)
	defer agent.end()
	agent.say(initializeFrame)
	return agent.hear()
}

// timeToStatus measures from the spawn of a process to its answers to initialize,
// with these options, and to status. It lets the process go on until then returns.
func timeToStatus(b *testing.B, program, options string, then func()) (initialized, status time.Duration) {
	agent := launch(b, program)
	defer agent.end()
	agent.say(frame(`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"processId":null,"capabilities":{},"initializationOptions":` + options + `}}`))
	initialized = agent.hear()
	agent.say(frame(`{"jsonrpc":"2.0","method":"initialized","params":{}}`) + frame(`{"jsonrpc":"2.0","id":2,"method":"gitlabSM/status","params":{}}`))
	status = agent.hear()
	then()
	return initialized, status
}

// spawned is a process that is timed.
type spawned struct {
	b      *testing.B
	cmd    *exec.Cmd
	began  time.Time
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

func launch(b *testing.B, program string) *spawned {
	b.Helper()
	s := &spawned{b: b, cmd: exec.Command(program)}
	s.cmd.Env = append(os.Environ(), "CODESTREAM_DATA_DIR="+b.TempDir(), "CODESTREAM_KEYRING=off")
	stdin, err := s.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	s.stdin, s.stdout, s.began = stdin, bufio.NewReader(stdout), time.Now()
	if err := s.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	return s
}

func (s *spawned) say(frames string) {
	s.b.Helper()
	if _, err := io.WriteString(s.stdin, frames); err != nil {
		s.b.Fatal(err)
	}
}

// hear reads the next response, past what the agent says by itself, and returns how
// long after the spawn it came.
func (s *spawned) hear() time.Duration {
	s.b.Helper()
	for {
		header, err := textproto.NewReader(s.stdout).ReadMIMEHeader()
		if err != nil {
			s.b.Fatal(err)
		}
		took := time.Since(s.began)
		length, err := strconv.Atoi(header.Get("Content-Length"))
		if err != nil {
			s.b.Fatal(err)
		}
		body := make([]byte, length)
		if _, err := io.ReadFull(s.stdout, body); err != nil {
			s.b.Fatal(err)
		}
		var message struct {
			ID     json.RawMessage
			Result json.RawMessage
		}
		if err := json.Unmarshal(body, &message); err != nil {
			s.b.Fatal(err)
		}
		if message.ID != nil && message.Result != nil {
			return took
		}
	}
}

// end closes stdin and waits. The agent's status is 1, since nobody said shutdown.
func (s *spawned) end() {
	s.stdin.Close()
	io.Copy(io.Discard, s.stdout)
	s.cmd.Wait()
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
