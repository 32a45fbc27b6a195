package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
	"github.com/teamcodestream/codestream-agent/providers/gitlabsm"
	"github.com/teamcodestream/codestream-agent/providers/providertest"
)

// newDoctor makes one that reaches instances over dial, or over a transport of the
// product's where that is nil.
func newDoctor(t *testing.T, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Doctor {
	t.Helper()
	return &Doctor{
		Provider: gitlabsm.Provider{},
		Network:  func(in store.Instance) (protocol.Network, error) { return in.Network, nil },
		Transport: func(n protocol.Network) (http.RoundTripper, func(), error) {
			if dial != nil {
				transport := &http.Transport{DialContext: dial}
				return transport, transport.CloseIdleConnections, nil
			}
			transports := new(providers.Transports)
			transport, err := transports.Get(n)
			return transport, transports.CloseIdle, err
		},
		Explain: func(err error) (message, hint string) {
			var known *protocol.Error
			if errors.As(err, &known) {
				return known.Message, known.Hint
			}
			return err.Error(), ""
		},
		Panicked: func(value any) { t.Errorf("panic: %v", value) },
	}
}

func startGitLab(t *testing.T, options providertest.Options) *providertest.GitLab {
	t.Helper()
	gitlab, err := providertest.StartGitLab(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(gitlab.Close)
	return gitlab
}

func caseOf(url string) Case { return Case{Instance: store.Instance{ID: url}} }

// named returns the first check of that name.
func named(t *testing.T, report []protocol.Check, name string) protocol.Check {
	t.Helper()
	for _, c := range report {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("there is no check %q in %+v", name, report)
	return protocol.Check{}
}

func wantCheck(t *testing.T, report []protocol.Check, name string, status protocol.CheckStatus, detail string) {
	t.Helper()
	if got := named(t, report, name); got.Status != status || !strings.Contains(got.Detail, detail) {
		t.Errorf("got %+v, want %s with %q", got, status, detail)
	}
}

func TestANameThatIsNotKnown(t *testing.T) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: errors.New("the server of names is away")}
	}}
	dialer := net.Dialer{Resolver: resolver}
	report := newDoctor(t, dialer.DialContext).Examine(t.Context(), []Case{caseOf("https://gitlab.example.com")})
	wantCheck(t, report, "settings", protocol.CheckPass, "")
	wantCheck(t, report, "proxy", protocol.CheckPass, "")
	wantCheck(t, report, "dns", protocol.CheckFail, "cannot be reached")
	if named(t, report, "dns").Hint == "" {
		t.Error("there is no next step")
	}
	for _, after := range []string{"connection", "tls", "instance", "clock", "application", "version"} {
		wantCheck(t, report, after, protocol.CheckSkip, `not checked, since the check "dns" failed`)
	}
}

func TestANameThatIsKnown(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{})
	url := strings.Replace(gitlab.URL(), "127.0.0.1", "localhost", 1)
	report := newDoctor(t, nil).Examine(t.Context(), []Case{caseOf(url)})
	wantCheck(t, report, "dns", protocol.CheckPass, "localhost is ")
	wantCheck(t, report, "dns", protocol.CheckPass, "(this machine)")
	wantCheck(t, report, "instance", protocol.CheckPass, "GitLab answers")
	wantCheck(t, report, "address", protocol.CheckWarn, gitlab.URL())
}

func TestHTTPSWhereThereIsNone(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{})
	url := strings.Replace(gitlab.URL(), "http:", "https:", 1)
	report := newDoctor(t, nil).Examine(t.Context(), []Case{caseOf(url)})
	wantCheck(t, report, "connection", protocol.CheckPass, "answers, after")
	wantCheck(t, report, "tls", protocol.CheckFail, "does not speak TLS")
	wantCheck(t, report, "instance", protocol.CheckSkip, `"tls"`)
}

func TestSettingsThatCannotBeUsed(t *testing.T) {
	for name, n := range map[string]protocol.Network{
		"a file that is not there":   {CAFile: "/nowhere/ca.pem"},
		"a proxy that is not a URL":  {Proxy: "::"},
		"a certificate without keys": {ClientCertFile: "/nowhere/client.pem"},
	} {
		c := caseOf("https://gitlab.example.com")
		c.Instance.Network = n
		report := newDoctor(t, nil).Examine(t.Context(), []Case{c})
		if got := named(t, report, "settings"); got.Status != protocol.CheckFail || got.Hint == "" {
			t.Errorf("%s: got %+v", name, got)
		}
		wantCheck(t, report, "proxy", protocol.CheckSkip, `"settings"`)
		wantCheck(t, report, "version", protocol.CheckSkip, `"settings"`)
	}
}

// The slow one does not hold up the others, and the report is in order all the same.
func TestInstancesSideBySide(t *testing.T) {
	slow, quick := startGitLab(t, providertest.Options{}), startGitLab(t, providertest.Options{})
	release := make(chan struct{})
	slow.SetFault(providertest.EndpointOpenID, providertest.Fault{Hold: release})
	cases := []Case{caseOf(slow.URL())}
	for range together {
		cases = append(cases, caseOf(quick.URL()))
	}
	reported := make(chan []protocol.Check)
	go func() { reported <- newDoctor(t, nil).Examine(t.Context(), cases) }()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if err := quick.Await(ctx, http.MethodGet, "/.well-known/openid-configuration", together); err != nil {
		t.Error("the quick ones wait for the slow one:", err)
	}
	close(release)
	report := <-reported
	if report[0].Instance != slow.URL() || report[len(report)-1].Instance != quick.URL() {
		t.Errorf("the report is not in the order of the instances: %+v", report)
	}
	wantCheck(t, report, "instance", protocol.CheckPass, "GitLab answers")
}

func TestACancelledExamination(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{})
	gitlab.SetFault(providertest.EndpointOpenID, providertest.Fault{Hold: make(chan struct{})})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan []protocol.Check)
	go func() { done <- newDoctor(t, nil).Examine(ctx, []Case{caseOf(gitlab.URL())}) }()
	if err := gitlab.Await(t.Context(), http.MethodGet, "/.well-known/openid-configuration", 1); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cancel()
	if report := <-done; len(report) > 0 {
		t.Errorf("checks were made after the end: %+v", report)
	}
	if took := time.Since(began); took >= limit {
		t.Errorf("it took %v to be cancelled", took)
	}
}

func TestAPanicEndsOneInstance(t *testing.T) {
	gitlab := startGitLab(t, providertest.Options{})
	d := newDoctor(t, nil)
	var told []any
	d.Panicked = func(value any) { told = append(told, value) }
	d.CheckApplication = func(context.Context, store.Instance) error { panic("here") }
	broken := caseOf(gitlab.URL())
	broken.Instance.ClientID = "an application"
	report := d.Examine(t.Context(), []Case{broken, caseOf(gitlab.URL())})
	if len(told) != 1 || told[0] != "here" {
		t.Errorf("the panic was told as %v", told)
	}
	wantCheck(t, report, "connection", protocol.CheckPass, "")
	wantCheck(t, report[len(report)-1:], "version", protocol.CheckSkip, "nobody is signed in")
	for _, c := range report {
		if c.Status == protocol.CheckFail && strings.Contains(c.Detail, "the examination itself") {
			return
		}
	}
	t.Errorf("the report does not say that it is broken off: %+v", report)
}
