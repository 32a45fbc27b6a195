package providertest

import (
	"net/http"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// A Suite is a provider and a way to start a host for it. [Run] holds it to the
// contract of [providers.Provider] and [providers.Host]:
//
//	func TestSuite(t *testing.T) {
//		providertest.Run(t, providertest.Suite{
//			Provider: gitlabsm.Provider{},
//			Start:    startGitLab,
//		})
//	}
//
// What only one kind of host does is tested in that provider's package. The
// suite has servers of its own for hosts that fail, and for what is no host.
type Suite struct {
	Provider providers.Provider
	// Start starts a host, over TLS where secure is true. It ends with the test.
	Start func(t *testing.T, secure bool) SuiteHost
}

// SuiteHost is a host that runs, with one user who may do everything that is
// listed here.
type SuiteHost struct {
	// URL is the base URL, normalised.
	URL string
	// CAFile is a PEM file with the host's certificate; "" without TLS.
	CAFile string

	// User is whose credentials Authorise adds; Weak adds some of the same user
	// that lack the scope for List.
	User      protocol.User
	Authorise func(http.RoundTripper) http.RoundTripper
	Weak      func(http.RoundTripper) http.RoundTripper
	// Version is the host's own.
	Version string

	// List is a GET that answers with a list of ListLength items, more than one
	// page has by itself.
	List       protocol.CallAPIParams
	ListLength int
	// Create is a POST that answers with what it made.
	Create protocol.CallAPIParams
	// Missing is a GET for what does not exist.
	Missing protocol.CallAPIParams

	// Requests counts the requests that have come.
	Requests func() int
	// Check fails the test for what a careful client never does, such as sending
	// credentials where none belong. It is called when the test is done.
	Check func(t *testing.T)
}

// Run tests the provider. The subtests are named for the contract's sentences.
func Run(t *testing.T, s Suite) {
	for _, part := range []struct {
		name string
		test func(Suite, *testing.T)
	}{
		{"Name", Suite.testName},
		{"NormalizeURL", Suite.testNormalizeURL},
		{"NormalizeURLRefuses", Suite.testNormalizeURLRefuses},
		{"Endpoints", Suite.testEndpoints},
		{"ResolveRemote", Suite.testResolveRemote},
		{"ProbeAccepts", Suite.testProbeAccepts},
		{"ProbeSuggests", Suite.testProbeSuggests},
		{"ProbeOfSomethingElse", Suite.testProbeOfSomethingElse},
		{"ProbeOfAHostInTrouble", Suite.testProbeOfAHostInTrouble},
		{"Unreachable", Suite.testUnreachable},
		{"UntrustedCertificate", Suite.testUntrustedCertificate},
		{"SilentHost", Suite.testSilentHost},
		{"CurrentUserAndVersion", Suite.testCurrentUserAndVersion},
		{"AnswersOfAnotherProgram", Suite.testAnswersOfAnotherProgram},
		{"Call", Suite.testCall},
		{"CallAllPages", Suite.testCallAllPages},
		{"CallsSideBySide", Suite.testCallsSideBySide},
		{"CallErrors", Suite.testCallErrors},
		{"CallRefusedByTheHost", Suite.testCallRefusedByTheHost},
		{"CallTakesNoCredentials", Suite.testCallTakesNoCredentials},
		{"CallStaysInTheAPI", Suite.testCallStaysInTheAPI},
		{"CallLeavesRedirectsAlone", Suite.testCallLeavesRedirectsAlone},
		{"AnswersAreBounded", Suite.testAnswersAreBounded},
		{"CompressedAnswersAreBounded", Suite.testCompressedAnswersAreBounded},
		{"HeadersAreBounded", Suite.testHeadersAreBounded},
		{"AnswersEndInTime", Suite.testAnswersEndInTime},
		{"RedirectsEnd", Suite.testRedirectsEnd},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(s, t) })
	}
}

// started starts the provider's own host, which is checked when the test ends.
func (s Suite) started(t *testing.T, secure bool) SuiteHost {
	t.Helper()
	h := s.Start(t, secure)
	t.Cleanup(func() { h.Check(t) })
	return h
}

// stranger is a client without credentials; it trusts what h has, and is what
// the agent probes with.
func (h SuiteHost) stranger(t *testing.T) *http.Client {
	t.Helper()
	return providers.NewClient(h.transport(t), h.URL)
}

// api is the API of h as its user sees it.
func (s Suite) api(t *testing.T, h SuiteHost) providers.Host {
	t.Helper()
	return s.Provider.Host(h.URL, providers.NewClient(h.Authorise(h.transport(t)), s.Provider.Endpoints(h.URL).API))
}

func (h SuiteHost) transport(t *testing.T) http.RoundTripper {
	t.Helper()
	var transports providers.Transports
	transport, err := transports.Get(protocol.Network{CAFile: h.CAFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(transports.CloseIdle)
	return transport
}
