package agent

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/auth"
	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/agent/internal/team"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// verifyTimeout bounds the questions to an instance before it is saved, since
// later requests wait for the answer.
const verifyTimeout = 10 * time.Second

func (a *Agent) configure(ctx context.Context, p protocol.ConfigureParams) (protocol.ConfigureResult, error) {
	clientSecret := secret.New(p.ClientSecret)
	a.seen(clientSecret)
	if p.Network != nil {
		a.seenProxy(*p.Network)
	}
	s, err := a.ready()
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	var from kept
	if p.Keep {
		if from, err = s.keepRest(&p, &clientSecret); err != nil {
			return protocol.ConfigureResult{}, err
		}
	}
	in, err := a.checkInstance(p)
	var to sharedWith
	if err == nil {
		to, err = a.checkShare(s, p.Share, in, clientSecret)
	}
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	warnings := partedWarnings(from.Instance, to.share)
	if p.Verify == nil || *p.Verify {
		found, err := a.verify(ctx, s, in, clientSecret)
		if err != nil {
			return protocol.ConfigureResult{}, protocol.WithInstance(err, in.ID)
		}
		warnings = append(warnings, found.Warnings...)
	}
	dropped, err := s.save(ctx, from, to, in, clientSecret)
	if err != nil {
		return protocol.ConfigureResult{}, protocol.WithInstance(err, in.ID)
	}
	warnings = append(warnings, dropped...)
	saved, err := s.team.Resolve(in.ID)
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	warnings = append(warnings, hiddenWarnings(saved, to)...)
	warnings = append(warnings, s.auth.Warnings(saved.Instance)...)
	described, err := s.describe(saved)
	return protocol.ConfigureResult{Instance: described, Warnings: warnings}, err
}

// checkInstance makes an instance of the parameters, without asking anybody.
func (a *Agent) checkInstance(p protocol.ConfigureParams) (store.Instance, error) {
	in, err := team.FromShared(protocol.SharedInstance{
		URL: p.URL, Name: p.Name, ClientID: p.ClientID, RedirectURI: p.RedirectURI,
		Scopes: p.Scopes, SSHHosts: p.SSHHosts, AllowHTTP: p.AllowHTTP, Network: p.Network,
	}, a.provider)
	if err != nil {
		return store.Instance{}, err
	}
	if p.ClientID == "" && p.ClientSecret != "" {
		return store.Instance{}, invalidParams("clientSecret goes with clientId, which is missing")
	}
	for _, rule := range a.rules() {
		err = errors.Join(err, protocol.WithInstance(rule.Check(in), in.ID))
	}
	return in, err
}

// rules are what every instance has to keep, wherever it comes from.
func (a *Agent) rules() []team.Rule {
	return []team.Rule{
		{Field: "url", Check: checkTransport},
		{Field: "name", Check: checkName},
		{Field: "redirectUri", Check: func(in store.Instance) error { return auth.CheckRedirect(in.RedirectURI) }},
		{Field: "scopes", Check: checkScopes},
		{Field: "sshHosts", Check: checkSSHHosts},
		{Field: "network", Check: a.checkNetwork},
	}
}

func (a *Agent) checkNetwork(in store.Instance) error {
	_, err := a.transport(in)
	return err
}

// checkTransport refuses plain http to another machine without consent: tokens
// would cross the network for everybody to read.
func checkTransport(in store.Instance) error {
	u, err := url.Parse(in.ID)
	if err != nil || u.Scheme != "http" || in.AllowHTTP {
		return err
	}
	if providers.IsLoopback(u.Hostname()) {
		return nil
	}
	return &protocol.Error{
		Code:     protocol.InsecureTransport,
		Message:  in.ID + " is plain http: whoever is on the network between could read the tokens",
		Hint:     "Use https. If the instance has none and you accept the risk, set allowHttp.",
		Instance: in.ID,
	}
}

// maxName bounds the name of an instance in bytes.
const maxName = 200

// checkName refuses a name that does not look like what it is: it is shown beside
// the button that signs in.
func checkName(in store.Instance) error {
	if providers.Shorten(in.Name, maxName) != in.Name {
		return invalidParams("name has more than %d bytes, or characters that are not shown", maxName)
	}
	return nil
}

func checkScopes(in store.Instance) error {
	for _, scope := range in.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n\"\\") {
			return invalidParams("%q is not a scope", scope)
		}
	}
	return nil
}

func checkSSHHosts(in store.Instance) error {
	for _, host := range in.SSHHosts {
		if host == "" || strings.ContainsAny(host, "/@ \t\r\n") {
			return invalidParams("%q in sshHosts is not a host name with an optional port", host)
		}
	}
	return nil
}

// verify asks the instance who it is, and whether it knows the application.
func (a *Agent) verify(ctx context.Context, s *session, in store.Instance, clientSecret secret.Text) (providers.Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	transport, err := a.transport(in)
	if err != nil {
		return providers.Probe{}, err
	}
	found, err := a.provider.Probe(ctx, providers.NewClient(transport, in.ID), in.ID)
	if err != nil || in.ClientID == "" {
		return found, err
	}
	err = s.auth.CheckApplication(ctx, in, clientSecret)
	if errors.Is(err, protocol.RateLimited) {
		found.Warnings = append(found.Warnings, "GitLab asks to slow down, so the application ID and the secret could not be checked.")
		err = nil
	}
	return found, err
}
