package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
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
	in, err := a.checkInstance(p)
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	warnings := []string{}
	if p.Verify == nil || *p.Verify {
		found, err := a.verify(ctx, s, in, clientSecret)
		if err != nil {
			return protocol.ConfigureResult{}, protocol.WithInstance(err, in.ID)
		}
		warnings = append(warnings, found.Warnings...)
	}
	dropped, err := s.dropForeignAccounts(ctx, in)
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	warnings = append(warnings, dropped...)
	err = s.store.Update(func(tx *store.Tx) error {
		earlier, err := tx.Instance(in.ID)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		in.Learnt = earlier.Learnt
		return tx.PutInstance(in, clientSecret)
	})
	if err != nil {
		return protocol.ConfigureResult{}, err
	}
	s.news.announce()
	warnings = append(warnings, s.auth.Warnings(in)...)
	in.Confidential = !clientSecret.IsEmpty()
	described, err := s.describe(team.Instance{Instance: in, Source: protocol.SourceLocal})
	return protocol.ConfigureResult{Instance: described, Warnings: warnings}, err
}

// checkInstance makes an instance of the parameters, without asking anybody.
func (a *Agent) checkInstance(p protocol.ConfigureParams) (store.Instance, error) {
	id, err := a.provider.NormalizeURL(p.URL)
	if err != nil {
		return store.Instance{}, err
	}
	if p.ClientID == "" && p.ClientSecret != "" {
		return store.Instance{}, invalidParams("clientSecret goes with clientId, which is missing")
	}
	if p.Share != "" && p.Share != protocol.ShareLocal {
		return store.Instance{}, invalidParams("share is %q; this version knows only %q", p.Share, protocol.ShareLocal)
	}
	in := store.Instance{
		ID: id, Name: strings.TrimSpace(p.Name), ClientID: strings.TrimSpace(p.ClientID),
		RedirectURI: p.RedirectURI, Scopes: p.Scopes, SSHHosts: p.SSHHosts, AllowHTTP: p.AllowHTTP,
	}
	if in.Name == "" {
		_, in.Name, _ = strings.Cut(id, "://")
	}
	if len(in.Scopes) == 0 {
		in.Scopes = []string{"api"}
	}
	if p.Network != nil {
		in.Network = *p.Network
	}
	return in, errors.Join(checkTransport(in), protocol.WithInstance(auth.CheckRedirect(in.RedirectURI), id), checkNames(in), a.checkNetwork(in))
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
	if u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback() {
		return nil
	}
	return &protocol.Error{
		Code:     protocol.InsecureTransport,
		Message:  in.ID + " is plain http: whoever is on the network between could read the tokens",
		Hint:     "Use https. If the instance has none and you accept the risk, set allowHttp.",
		Instance: in.ID,
	}
}

func checkNames(in store.Instance) error {
	for _, scope := range in.Scopes {
		if scope == "" || strings.ContainsAny(scope, " \t\r\n\"\\") {
			return invalidParams("%q is not a scope", scope)
		}
	}
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

// dropForeignAccounts signs out the accounts whose tokens another application
// than the one now configured has issued, and says so.
func (s *session) dropForeignAccounts(ctx context.Context, in store.Instance) (warnings []string, err error) {
	accounts, err := s.accountsOf(in.ID)
	if err != nil {
		return nil, err
	}
	accounts = slices.DeleteFunc(accounts, func(account store.Account) bool {
		return account.Method == protocol.MethodToken || account.ClientID == in.ClientID
	})
	if len(accounts) == 0 {
		return nil, nil
	}
	warnings, err = s.dropAccounts(ctx, accounts)
	return append([]string{fmt.Sprintf("The application ID is another: %d account(s) have to sign in again.", len(accounts))}, warnings...), err
}

// dropAccounts revokes and forgets accounts.
func (s *session) dropAccounts(ctx context.Context, accounts []store.Account) (warnings []string, err error) {
	for _, account := range accounts {
		r, err := s.auth.Disconnect(ctx, account.Key(), account.Method != protocol.MethodToken)
		if err != nil {
			return warnings, err
		}
		if r.Failure != nil {
			warnings = append(warnings, auth.RevocationWarning(account, r.Failure))
		}
	}
	return warnings, nil
}

func (a *Agent) unconfigure(ctx context.Context, p protocol.UnconfigureParams) (protocol.UnconfigureResult, error) {
	s, err := a.ready()
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	if p.Instance == "" {
		return protocol.UnconfigureResult{}, invalidParams("instance is empty; it names the instance to forget")
	}
	in, err := s.team.Resolve(p.Instance)
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	s.auth.CancelSignIn(in.ID)
	accounts, err := s.accountsOf(in.ID)
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	warnings, err := s.dropAccounts(ctx, accounts)
	if err != nil {
		return protocol.UnconfigureResult{}, err
	}
	for _, warning := range warnings {
		a.showMessage(protocol.MessageWarning, warning)
	}
	err = s.store.Update(func(tx *store.Tx) error { return tx.DeleteInstance(in.ID) })
	s.news.announce()
	return protocol.UnconfigureResult{}, err
}
