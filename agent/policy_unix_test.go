//go:build !windows

package agent_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/agent"
	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/sessiontest"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// nobody is a user who is not root.
const nobody = 65534

// onlyRoot skips a test that has to make files which belong to root.
func onlyRoot(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can make files that belong to root, as a machine's policy has to")
	}
}

// TestPolicySessions runs the scripts of testdata/policy in this process: the
// program itself knows one place for the policy, which is not a test's to write. The
// scripts write it into their workspace.
func TestPolicySessions(t *testing.T) {
	onlyRoot(t)
	sessiontest.Run(t, filepath.Join("..", "testdata", "policy"), map[string]sessiontest.Launcher{
		"in-process": sessiontest.InProcess(func(ctx context.Context, dataDir string, stdin io.Reader, stdout, stderr io.Writer) int {
			policy := filepath.Join(filepath.Dir(dataDir), "workspace", "policy", "gitlab.json")
			return agent.New(config(dataDir, stderr, func(c *agent.Config) { c.PolicyFile = policy })).Serve(ctx, stdin, stdout)
		}),
	})
}

// policy makes a policy with this text and returns its path.
func policy(t *testing.T, text string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "codestream")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "gitlab.json")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func withPolicy(t *testing.T, path string) *running {
	t.Helper()
	return start(t, func(c *agent.Config) { c.PolicyFile = path }).initialize(nil)
}

func (r *running) status() (known protocol.StatusResult) {
	r.t.Helper()
	if err := r.Call(within(r.t), protocol.Status.Method(), struct{}{}, &known); err != nil {
		r.t.Fatal(err)
	}
	return known
}

// refused makes a request that has to be refused by the policy.
func (r *running) refused(method string, params any) (message string) {
	r.t.Helper()
	err := r.Call(within(r.t), method, params, nil)
	var refusal *sessiontest.ResponseError
	var data protocol.ErrorData
	if !errors.As(err, &refusal) || json.Unmarshal(refusal.Data, &data) != nil || data.Details == nil || data.Details.Cause != protocol.CausePolicy {
		r.t.Errorf("%s is answered %v, with the data %+v", method, err, data)
	}
	return data.Message
}

func TestThePolicyCannotBeConfiguredAway(t *testing.T) {
	onlyRoot(t)
	path := policy(t, `{"instances": [{"url": "http://gitlab.example.com", "clientId": "1", "allowHttp": true, "network": {"noProxy": "gitlab.example.com"}}]}`)
	r := withPolicy(t, path)
	known := r.status()
	if len(known.Instances) != 1 || known.Instances[0].Source != protocol.SourcePolicy || known.Instances[0].Origin != path || known.Instances[0].ClientID != "1" {
		t.Fatalf("the status is %+v", known)
	}
	noVerify := false
	for _, share := range []protocol.Share{protocol.ShareLocal, ""} {
		said := r.refused(protocol.Configure.Method(), protocol.ConfigureParams{URL: "http://gitlab.example.com", ClientID: "2", AllowHTTP: true, Share: share, Verify: &noVerify})
		if !strings.Contains(said, "is set by the machine's policy in "+path) {
			t.Errorf("configure: %s", said)
		}
	}
	if said := r.refused(protocol.Unconfigure.Method(), protocol.UnconfigureParams{Instance: "http://gitlab.example.com"}); !strings.Contains(said, "is set by the machine's policy") {
		t.Errorf("unconfigure: %s", said)
	}
	if after := r.status(); len(after.Instances) != 1 || after.Instances[0].ClientID != "1" {
		t.Errorf("afterwards the status is %+v", after)
	}
}

func TestThePolicyWinsOverWhatIsThere(t *testing.T) {
	onlyRoot(t)
	path := policy(t, `{"instances": []}`)
	r := withPolicy(t, path)
	noVerify := false
	in := protocol.ConfigureParams{URL: "https://gitlab.example.com", ClientID: "local", Verify: &noVerify}
	if err := r.Call(within(t), protocol.Configure.Method(), in, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"instances": [{"url": "gitlab.example.com", "clientId": "rolled-out"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	known := r.status()
	if len(known.Instances) != 1 {
		t.Fatalf("the status is %+v", known)
	}
	got := known.Instances[0]
	if got.Source != protocol.SourcePolicy || got.ClientID != "rolled-out" || len(got.Conflicts) != 1 || got.Conflicts[0].Source != protocol.SourceLocal {
		t.Errorf("the instance is %+v", got)
	}
}

// TestAnEditOfThePolicyIsTold: a policy that is rolled out, also for the first time,
// counts in the windows that are open, and so does one whose rights are mended.
func TestAnEditOfThePolicyIsTold(t *testing.T) {
	onlyRoot(t)
	path := policy(t, "")
	dir := filepath.Dir(path)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	r := withPolicy(t, path)
	if known := r.status(); len(known.Instances) > 0 || len(known.Problems) > 0 {
		t.Fatalf("without a policy the status is %+v", known)
	}
	const one, two = `{"instances": [{"url": "https://one.example.com"}]}`, `{"instances": [{"url": "https://two.example.com"}]}`
	for _, step := range []struct {
		name string
		do   func() error
		told []string
	}{
		{"it is made, with its folder", func() error {
			return errors.Join(os.Mkdir(dir, 0o755), os.WriteFile(path, []byte(one), 0o644))
		}, []string{"https://one.example.com"}},
		{"it is edited", func() error { return os.WriteFile(path, []byte(two), 0o644) }, []string{"https://two.example.com"}},
		{"another takes its place", func() error {
			return errors.Join(os.WriteFile(path+".new", []byte(one), 0o644), os.Rename(path+".new", path))
		}, []string{"https://one.example.com"}},
		{"others may write to it", func() error { return os.Chmod(path, 0o666) }, nil},
		{"they may no more", func() error { return os.Chmod(path, 0o644) }, []string{"https://one.example.com"}},
		{"others may write to its folder", func() error { return os.Chmod(dir, 0o777) }, nil},
		{"they may no more", func() error { return os.Chmod(dir, 0o755) }, []string{"https://one.example.com"}},
		{"it goes, with its folder", func() error { return os.RemoveAll(dir) }, nil},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		if got := r.toldOfInstances(); !slices.Equal(got, step.told) {
			t.Errorf("when %s, the editor hears of %q, want %q", step.name, got, step.told)
		}
	}
}

// toldOfInstances waits until the agent tells which instances there are.
func (r *running) toldOfInstances() (ids []string) {
	r.t.Helper()
	m, err := r.Next(within(r.t), protocol.DidChangeInstances.Method())
	if err != nil {
		r.t.Fatal(err)
	}
	var params protocol.DidChangeInstancesParams
	if err := json.Unmarshal(m.Params, &params); err != nil {
		r.t.Fatal(err)
	}
	for _, in := range params.Instances {
		ids = append(ids, in.ID)
	}
	return ids
}

// TestOnlyAnAdministratorsPolicyCounts has others own the file or its folder, or be
// able to write to either.
func TestOnlyAnAdministratorsPolicyCounts(t *testing.T) {
	onlyRoot(t)
	for _, c := range []struct {
		name, problem string
		spoil         func(path string) error
	}{
		{"another's file", "the file does not belong to root", func(path string) error { return os.Chown(path, nobody, nobody) }},
		{"another's folder", "its folder does not belong to root", func(path string) error { return os.Chown(filepath.Dir(path), nobody, nobody) }},
		{"a file for all", "the file can be written by others than root", func(path string) error { return os.Chmod(path, 0o666) }},
		{"a file for a group", "the file can be written by others than root", func(path string) error { return os.Chmod(path, 0o664) }},
		{"a folder for all", "its folder can be written by others than root", func(path string) error { return os.Chmod(filepath.Dir(path), 0o1777) }},
		{"a link", "cannot be read", func(path string) error {
			if err := os.Rename(path, path+".target"); err != nil {
				return err
			}
			return os.Symlink(path+".target", path)
		}},
		{"a folder that is a link", "its folder is a symbolic link", func(path string) error {
			dir := filepath.Dir(path)
			if err := os.Rename(dir, dir+".target"); err != nil {
				return err
			}
			return os.Symlink(dir+".target", dir)
		}},
		{"a folder in its place", "it is not a regular file", func(path string) error {
			if err := os.Remove(path); err != nil {
				return err
			}
			return os.Mkdir(path, 0o755)
		}},
		{"a mistake", "line 1, column 2: there is no field \"instance\"", func(path string) error {
			return os.WriteFile(path, []byte(`{"instance": []}`), 0o644)
		}},
	} {
		path := policy(t, `{"instances": [{"url": "https://gitlab.example.com"}]}`)
		if err := c.spoil(path); err != nil {
			t.Fatal(err)
		}
		r := withPolicy(t, path)
		known := r.status()
		if len(known.Instances) > 0 || len(known.Problems) != 1 || !strings.Contains(known.Problems[0].Message, c.problem) {
			t.Errorf("%s: %d instances, and the problems %v; want %q", c.name, len(known.Instances), known.Problems, c.problem)
		} else if problem := known.Problems[0]; problem.Source != protocol.SourcePolicy || problem.Hint == "" || problem.Details.Cause == "" || problem.Details.File != path {
			t.Errorf("%s: the problem is %+v, with the details %+v", c.name, problem, problem.Details)
		}
		var report protocol.DiagnoseResult
		if err := r.Call(within(t), protocol.Diagnose.Method(), struct{}{}, &report); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, check := range report.Checks {
			found = found || check.Name == "policy" && check.Status == protocol.CheckFail && check.Hint != ""
		}
		if !found {
			t.Errorf("%s: no check says so: %+v", c.name, report.Checks)
		}
	}
}

// TestThePolicyTakesOverWhoIsSignedIn: by a confidential application that was
// configured here, whose secret the policy cannot have.
func TestThePolicyTakesOverWhoIsSignedIn(t *testing.T) {
	onlyRoot(t)
	gitlab := newSite(t, providertest.Options{}, auth.DefaultRedirectURI)
	for _, clientID := range []string{"rolled-out", gitlab.app.ID} {
		path := policy(t, `{"instances": []}`)
		r := withPolicy(t, path)
		gitlab.configure(r, "")
		signIn := r.authenticate(protocol.AuthenticateParams{})
		gitlab.approve(signIn)
		if err := <-signIn.ended; err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(`{"instances": [{"url": "`+gitlab.URL()+`", "clientId": "`+clientID+`"}]}`), 0o644); err != nil {
			t.Fatal(err)
		}
		gitlab.ExpireTokens("sam")
		if known := r.status(); known.Instances[0].Source != protocol.SourcePolicy {
			t.Fatalf("the policy has not taken over: %+v", known)
		}
		r.call(protocol.CurrentUser.Method(), protocol.CurrentUserParams{}, nil)
		var ended protocol.DisconnectResult
		if r.call(protocol.Disconnect.Method(), protocol.DisconnectParams{}, &ended); !ended.Revoked {
			t.Errorf("with the policy's application %s nothing was revoked: %+v", clientID, ended)
		}
	}
}
