// Fuzzall runs every fuzz target of the module, one after the other, each for the
// same time, and ends with a table. It finds the targets by itself, and stops at
// the first finding.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	each := flag.Duration("time", time.Minute, "how long each target runs")
	pattern := flag.String("run", ".", "which targets: a regular expression for PACKAGE.Target")
	parallel := flag.Int("parallel", runtime.GOMAXPROCS(0), "how many inputs are tried side by side")
	flag.Parse()
	if err := fuzzAll(*each, *pattern, *parallel); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

// target is one fuzz target, with what go test last said of it.
type target struct {
	pkg, name          string
	execs, interesting string
	outcome            string
}

func (t target) String() string { return path.Base(t.pkg) + "." + t.name }

func fuzzAll(each time.Duration, pattern string, parallel int) error {
	wanted, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}
	targets, err := list(wanted)
	if err != nil {
		return err
	}
	if len(targets) == 0 {
		return fmt.Errorf("no target has a name like %s", pattern)
	}
	defer func() { printTable(os.Stdout, targets) }()
	for i := range targets {
		if err := targets[i].fuzz(each, parallel); err != nil {
			return fmt.Errorf("%s: %w", targets[i], err)
		}
	}
	return nil
}

var packageLine = regexp.MustCompile(`^ok\s+(\S+)`)

// list asks go test, which names the targets of a package and then the package.
func list(wanted *regexp.Regexp) (targets []target, err error) {
	cmd := exec.Command("go", "test", "-list", "^Fuzz", "./...")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		os.Stderr.Write(out)
		return nil, fmt.Errorf("go test -list: %w", err)
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "Fuzz") {
			names = append(names, line)
			continue
		}
		if found := packageLine.FindStringSubmatch(line); found != nil {
			for _, name := range names {
				if t := (target{pkg: found[1], name: name, outcome: "not run"}); wanted.MatchString(t.String()) {
					targets = append(targets, t)
				}
			}
			names = nil
		}
	}
	return targets, nil
}

var (
	progressLine = regexp.MustCompile(`execs: (\d+) .*new interesting: (\d+)`)
	findingLine  = regexp.MustCompile(`Failing input written to testdata/fuzz/(\S+)|failure while testing seed corpus entry: (\S+)`)
)

// fuzz runs one target. Minimising is kept short: it would eat up the time of a
// target whose coverage depends on how goroutines run.
func (t *target) fuzz(each time.Duration, parallel int) error {
	cmd := exec.Command("go", "test", t.pkg, "-run", "^$", "-fuzz", "^"+t.name+"$",
		"-fuzztime", each.String(), "-fuzzminimizetime", "20x", "-parallel", fmt.Sprint(parallel))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return err
	}
	var said bytes.Buffer
	for lines := bufio.NewScanner(io.TeeReader(out, &said)); lines.Scan(); {
		if found := progressLine.FindStringSubmatch(lines.Text()); found != nil {
			t.execs, t.interesting = found[1], found[2]
		}
	}
	if _, err := io.Copy(&said, out); err != nil { // after a line that is too long
		return err
	}
	err = cmd.Wait()
	t.outcome = "passed"
	if err != nil {
		t.outcome = "FAILED"
		os.Stdout.Write(said.Bytes())
		if found := findingLine.FindSubmatch(said.Bytes()); found != nil {
			t.outcome = "FAILED with " + t.inputPath(string(found[1])+string(found[2]))
		}
		return fmt.Errorf("%s (%w)", t.outcome, err)
	}
	fmt.Printf("%s: %s executions, %s new interesting inputs\n", t, t.execs, t.interesting)
	return nil
}

// inputPath returns the path of a kept input, or its name where it is none of a
// file but of the target's own code.
func (t *target) inputPath(name string) string {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", t.pkg).Output()
	if err != nil {
		return name
	}
	file := filepath.Join(strings.TrimSpace(string(dir)), "testdata", "fuzz", filepath.FromSlash(name))
	if _, err := os.Stat(file); err != nil {
		return name
	}
	return file
}

func printTable(w io.Writer, targets []target) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\ntarget\texecutions\tnew interesting\toutcome")
	for _, t := range targets {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", t, t.execs, t.interesting, t.outcome)
	}
	table.Flush() // stdout that is gone needs no table
}
