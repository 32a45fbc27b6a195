package auth

import (
	"context"
	"sync"
	"time"

	"github.com/teamcodestream/codestream-agent/agent/internal/secret"
	"github.com/teamcodestream/codestream-agent/agent/internal/store"
	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

const (
	// versionAge is how long the version that an instance told is believed.
	versionAge = 24 * time.Hour

	// versionPause is how long an instance is left alone that did not tell its
	// version, such as to a token without the scope for it.
	versionPause = time.Hour
)

// versionQuestions are when each instance was last asked for its version by this
// process. One question ends long before the next may begin.
type versionQuestions struct {
	mu   sync.Mutex // guards last
	last map[string]time.Time
}

// begin reports whether an instance may be asked now, and notes that it is.
func (q *versionQuestions) begin(instance string, now time.Time) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if last, asked := q.last[instance]; asked && isWithin(versionPause, last, now) {
		return false
	}
	if q.last == nil {
		q.last = make(map[string]time.Time)
	}
	q.last[instance] = now
	return true
}

// isWithin reports whether a time is less than span away, by the wall clock. It may
// be still to come, where that was set back; but no further.
func isWithin(span time.Duration, since, now time.Time) bool {
	return now.Round(0).Sub(since).Abs() < span
}

// knowsVersion reports whether the version of an instance was seen lately.
func (m *Manager) knowsVersion(in store.Instance) bool {
	return in.Version != "" && isWithin(versionAge, in.VersionAt, m.Now())
}

// renewVersion asks an instance for its version, where that was last seen too long
// ago, with a token that has just been good. Nobody waits for it. Where it fails
// that is logged and nothing else: the token is not refreshed for it, and nobody
// is signed out.
func (m *Manager) renewVersion(in store.Instance, method protocol.AuthMethod, token secret.Text) {
	if m.knowsVersion(in) || !m.versions.begin(in.ID, m.Now()) {
		return
	}
	m.work.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), providers.Timeout)
		defer cancel()
		version, err := m.askVersion(ctx, in, method, token)
		if err == nil {
			err = m.Store.Update(func(tx *store.Tx) error { return m.noteVersion(tx, in.ID, version) })
		}
		if err != nil {
			m.Log.Info("the version of the instance could not be learnt", "instance", in.ID, "error", err)
			return
		}
		m.Log.Debug("the version of the instance was learnt", "instance", in.ID, "version", version, "before", in.Version)
		m.Changed()
	})
}

func (m *Manager) askVersion(ctx context.Context, in store.Instance, method protocol.AuthMethod, token secret.Text) (string, error) {
	base, err := m.Transport(in)
	if err != nil {
		return "", err
	}
	ctx, stop := m.untilClosing(ctx)
	defer stop()
	return m.host(base, in.ID, method, token).Version(ctx)
}

// versionAtSignIn returns the version of an instance, "" where it does not tell:
// nobody is kept from signing in by that.
func (m *Manager) versionAtSignIn(ctx context.Context, in store.Instance, host providers.Host) string {
	version, err := host.Version(ctx)
	if err != nil {
		m.Log.Info("the instance does not tell its version", "instance", in.ID, "error", err)
	}
	return version
}

// untilClosing returns a context that ends when the manager is closed, too: what
// only serves to know better is not waited for at the end.
func (m *Manager) untilClosing(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-m.closing:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// noteVersion saves the version that an instance has told, with what is known of
// that version.
func (m *Manager) noteVersion(tx *store.Tx, instance, version string) error {
	err := tx.SetVersion(instance, version, m.Now().UTC().Truncate(time.Second))
	if err != nil || !m.Provider.Lacks(version, providers.DeviceGrant) {
		return err
	}
	return tx.SetNoDeviceGrant(instance, true)
}

// Warnings are sentences about what the version of an instance, as last seen, lacks
// for the way in which it is configured.
func (m *Manager) Warnings(in store.Instance) (warnings []string) {
	if m.Provider.Lacks(in.Version, providers.Supported) {
		warnings = append(warnings, "GitLab "+in.Version+" is older than "+m.Provider.Since(providers.Supported)+", the oldest version that this agent is made for: some of it may not work.")
	}
	if fixed, free := withFixedPort(in.RedirectURI); free && in.ClientID != "" && m.Provider.Lacks(in.Version, providers.LoopbackPort) {
		warnings = append(warnings, "Nobody can sign in in the browser: "+m.comparesPort(in)+". "+portCure(fixed))
	}
	if problem, cure := UnguardedCode(m.Provider, in, in.Version); problem != "" {
		warnings = append(warnings, problem+". "+cure)
	}
	return warnings
}

// UnguardedCode says that nothing but the state guards the code of a sign-in: the
// version has no PKCE, and the application no secret (RFC 7636 section 1). problem is
// empty where something does.
func UnguardedCode(p providers.Provider, in store.Instance, version string) (problem, cure string) {
	if in.ClientID == "" || in.Confidential || !p.Lacks(version, providers.PKCE) {
		return "", ""
	}
	return "The code of a sign-in is guarded by its state alone: GitLab " + version + " has no PKCE, as " + p.Since(providers.PKCE) + " and newer have, and the application has no secret",
		"Register it as confidential, and configure the instance with its secret."
}

// checkPort refuses a sign-in that would end on an error page of GitLab's, from
// where nobody comes back: an instance that is known to compare ports, and a
// redirect URI without one. A version that was seen some time ago is not relied on.
func (m *Manager) checkPort(in store.Instance) error {
	fixed, free := withFixedPort(in.RedirectURI)
	if !free || !m.Provider.Lacks(in.Version, providers.LoopbackPort) || !m.knowsVersion(in) {
		return nil
	}
	return &protocol.Error{
		Code:     protocol.InvalidRedirect,
		Message:  m.comparesPort(in) + ", and does not know the one of this sign-in",
		Hint:     portCure(fixed),
		Instance: in.ID,
		Details:  &protocol.ErrorDetails{RedirectURI: fixed, Version: in.Version, NeedsVersion: m.Provider.Since(providers.LoopbackPort)},
	}
}

func (m *Manager) comparesPort(in store.Instance) string {
	return "GitLab " + in.Version + " compares the port of redirect URIs, as all before " + m.Provider.Since(providers.LoopbackPort) + " do"
}

func portCure(fixed string) string {
	return "Register " + fixed + " with the application, and configure the instance with exactly that as redirectUri."
}
