package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/teamcodestream/codestream-agent/providers"
)

// network are the checks of the way to an instance, up to the instance itself.
var network = []check{
	{"settings", nil, lookSettings},
	{"proxy", []string{"settings"}, lookProxy},
	{"dns", []string{"proxy"}, lookDNS},
	{"connection", []string{"dns"}, lookConnection},
	{"tls", []string{"connection"}, lookTLS},
	{"instance", []string{"tls"}, lookInstance},
	{"address", nil, lookAddress},
	{"clock", []string{"instance"}, lookClock},
}

func lookSettings(_ context.Context, p *patient) finding {
	if p.trip.invalid != nil {
		return p.because(p.trip.invalid)
	}
	n := p.trip.network
	var used []string
	for _, file := range []struct{ what, path string }{
		{"authorities of its own", n.CAFile}, {"a client certificate", n.ClientCertFile},
	} {
		if file.path != "" {
			used = append(used, file.what+" from "+file.path)
		}
	}
	if len(used) == 0 {
		return pass("the network settings can be used")
	}
	return pass("the network settings can be used: %s", strings.Join(used, ", "))
}

func lookProxy(_ context.Context, p *patient) finding {
	t := &p.trip
	switch {
	case t.brokeAt() == "proxy":
		f := p.because(t.err)
		if t.proxy.URL != nil { // else it is one that nobody has set
			f.detail = p.describeProxy() + ": " + f.detail
		}
		return f
	case t.proxy.URL != nil:
		return pass("asked through %s", p.describeProxy())
	case t.proxy.Setting != "":
		return pass("asked directly: %s names a proxy, and noProxy leaves this address out, or it is this machine's own", p.whose(t.proxy.Setting))
	}
	return pass("asked directly: no proxy is set for it")
}

// describeProxy says which proxy it is, and what names it.
func (p *patient) describeProxy() string {
	return fmt.Sprintf("the proxy %s, from %s", withoutUser(p.trip.proxy), p.whose(p.trip.proxy.Setting))
}

// whose says where a proxy is set.
func (p *patient) whose(setting string) string {
	switch {
	case setting != "network.proxy":
		return "the variable " + setting
	case p.Instance.Network.Proxy != "":
		return "this instance's network.proxy"
	}
	return "network.proxy in the editor's settings"
}

// withoutUser describes a proxy without the user and password in its URL.
func withoutUser(proxy providers.Proxy) string {
	u := *proxy.URL
	with := ""
	if u.User != nil {
		with = " (with a user name)"
		if _, ok := u.User.Password(); ok {
			with = " (with a user name and a password)"
		}
	}
	u.User = nil
	return u.String() + with
}

func lookDNS(_ context.Context, p *patient) finding {
	t := &p.trip
	host := t.target.Hostname()
	switch {
	case t.proxy.URL != nil:
		return skip("the proxy looks the name up")
	case t.brokeAt() == "dns":
		return p.because(t.err)
	case net.ParseIP(host) != nil:
		return pass("%s is an address: there is no name to look up", host)
	}
	addresses := make([]string, 0, maxAddresses)
	for i, address := range t.addresses {
		if i == maxAddresses {
			addresses = append(addresses, fmt.Sprintf("and %d more", len(t.addresses)-i))
			break
		}
		addresses = append(addresses, fmt.Sprintf("%s (%s)", address.String(), kind(address.IP)))
	}
	return pass("%s is %s; the answer took %s", host, strings.Join(addresses, ", "), short(t.lookup))
}

// maxAddresses is how many addresses of a name are told.
const maxAddresses = 8

// kind says how far an address reaches, which tells a name that is answered inside
// a network from one that is answered outside.
func kind(ip net.IP) string {
	switch {
	case ip.IsLoopback():
		return "this machine"
	case ip.IsPrivate(), ip.IsLinkLocalUnicast():
		return "private"
	}
	return "public"
}

func short(d time.Duration) string {
	if d < time.Millisecond {
		return "less than 1 ms"
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}

func lookConnection(_ context.Context, p *patient) finding {
	t := &p.trip
	switch {
	case t.brokeAt() == "connection":
		return p.because(t.err)
	case t.proxy.URL != nil:
		return pass("the proxy connects")
	}
	return pass("%s answers, after %s", t.dialled, short(t.dial))
}

// endsSoon is how long before its end a certificate is warned about.
const endsSoon = 14 * 24 * time.Hour

func lookTLS(_ context.Context, p *patient) finding {
	t := &p.trip
	switch {
	case t.brokeAt() == "tls":
		return p.because(t.err)
	case t.target.Scheme == "https":
		return describeTLS(t.tls, time.Now())
	case providers.IsLoopback(t.target.Hostname()):
		return pass("plain http, which does not leave this machine")
	}
	return warn("Use https as soon as the instance has it, and configure that URL.", "plain http: tokens and source code cross the network in the clear")
}

// describeTLS describes a connection that was accepted.
func describeTLS(state *tls.ConnectionState, now time.Time) finding {
	if len(state.PeerCertificates) == 0 {
		return pass("%s", tls.VersionName(state.Version))
	}
	leaf := state.PeerCertificates[0]
	detail := fmt.Sprintf("%s; the certificate of %s, issued by %s, is valid until %s", tls.VersionName(state.Version),
		providers.Shorten(leaf.Subject.String(), maxName), providers.Shorten(leaf.Issuer.String(), maxName), leaf.NotAfter.UTC().Format(time.DateOnly))
	if now.Add(endsSoon).After(leaf.NotAfter) {
		return warn("Ask the administrator to renew the certificate before then: nobody reaches the instance afterwards.", "%s", detail)
	}
	return pass("%s", detail)
}

// maxName bounds a name in a certificate: a stranger wrote it.
const maxName = 200

func lookInstance(_ context.Context, p *patient) finding {
	if p.trip.brokeAt() == "instance" {
		return p.because(p.trip.err)
	}
	return pass("GitLab answers")
}

// lookAddress has nothing to say where the probe had no warnings, or found nothing.
func lookAddress(_ context.Context, p *patient) finding {
	if len(p.trip.found.Warnings) == 0 {
		return finding{}
	}
	return warn("Configure the address that your team opens GitLab with.", "%s", strings.Join(p.trip.found.Warnings, " "))
}

// maxSkew is how far two clocks may be apart. A token's last minute is not used.
const maxSkew = 60 * time.Second

func lookClock(_ context.Context, p *patient) finding {
	t := &p.trip
	theirs, err := http.ParseTime(t.header.Get("Date"))
	if err != nil {
		return skip("the answer has no date to compare with")
	}
	return describeSkew(skew(theirs, t.sent, t.received))
}

// skew returns by how much this machine's clock is surely ahead of theirs;
// negative where it is behind. A Date is cut off to the second (RFC 9110 section
// 6.6.1), and was written at some time between the request and the answer.
func skew(theirs, sent, received time.Time) time.Duration {
	sent, received = sent.Round(0), received.Round(0)
	switch earliest, latest := sent.Sub(theirs.Add(time.Second)), received.Sub(theirs); {
	case earliest > 0:
		return earliest
	case latest < 0:
		return latest
	}
	return 0
}

func describeSkew(ahead time.Duration) finding {
	by := ahead.Abs().Round(time.Second)
	switch {
	case by <= maxSkew:
		return pass("this machine's clock agrees with GitLab's, within %v", max(by, time.Second))
	case ahead > 0:
		return warn(setClock, "this machine's clock is at least %v ahead of GitLab's: tokens seem to end too early and are refreshed too often, and certificates that are still valid may seem to have expired", by)
	}
	return warn(setClock, "this machine's clock is at least %v behind GitLab's: tokens are used after their end and refused once before they are refreshed, and certificates may seem to be not valid yet", by)
}

const setClock = "Let the system set its clock from the network (NTP), or ask the administrator about GitLab's clock if this one is right."
