package providers

import (
	"cmp"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpproxy"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// Proxy is how network settings have a URL asked for.
type Proxy struct {
	// URL is the proxy, with the user and password that are set for it; nil where
	// the host is asked directly.
	URL *url.URL
	// Setting is what names a proxy: "network.proxy", or a variable of the
	// environment. It is empty where nothing does. URL can be nil all the same, since
	// noProxy and loopback addresses are left out.
	Setting string
}

// ProxyFor returns the proxy that applies to a URL. It returns InvalidParams for
// a proxy or an address that is not a URL, and HostUnreachable where a variable of
// the environment should be the proxy's URL and is not.
func ProxyFor(n protocol.Network, address string) (Proxy, error) {
	target, err := url.Parse(address)
	if err != nil {
		return Proxy{}, &protocol.Error{Code: protocol.InvalidParams, Message: "the address is not a URL", Err: err}
	}
	choose, err := proxyFunc(n)
	if err != nil {
		return Proxy{}, err
	}
	proxy, err := choose(target)
	if err != nil {
		return Proxy{}, err
	}
	return Proxy{proxy, proxySetting(n, target.Scheme)}, nil
}

// proxySchemes are those of the proxies that net/http can use.
var proxySchemes = map[string]bool{"http": true, "https": true, "socks5": true, "socks5h": true}

// proxyFunc returns what chooses the proxy for a URL.
func proxyFunc(n protocol.Network) (func(*url.URL) (*url.URL, error), error) {
	config := httpproxy.FromEnvironment()
	if n.Proxy != "" {
		if u, err := url.Parse(n.Proxy); err != nil || u.Host == "" || !proxySchemes[u.Scheme] {
			return nil, invalidNetwork("network.proxy", "is not the URL of a proxy such as http://proxy.example.com:3128, with http, https or socks5", nil)
		}
		config.HTTPProxy, config.HTTPSProxy = n.Proxy, n.Proxy
	}
	if n.NoProxy != "" {
		config.NoProxy = n.NoProxy
	}
	for _, proxy := range []*string{&config.HTTPProxy, &config.HTTPSProxy} {
		if *proxy != "" && !isProxy(*proxy) {
			*proxy = noProxyAtAll
		}
	}
	choose := config.ProxyFunc()
	return func(target *url.URL) (*url.URL, error) {
		proxy, err := choose(target)
		if err == nil && proxy != nil && proxy.String() == noProxyAtAll {
			err = unusableVariable(proxySetting(n, target.Scheme))
		}
		return proxy, err
	}, nil
}

// noProxyAtAll stands for a variable that names no proxy. httpproxy would pass it
// over, and ask directly where that was not wanted.
const noProxyAtAll = "http://variable.invalid"

// isProxy reports whether a variable names a proxy. It may leave the scheme out.
func isProxy(value string) bool {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	return err == nil && u.Hostname() != "" && proxySchemes[u.Scheme]
}

// unusableVariable does not show the variable, which may have a password in it.
func unusableVariable(name string) error {
	return &protocol.Error{
		Code:    protocol.HostUnreachable,
		Message: "the variable " + name + " is not the URL of a proxy",
		Hint:    "Mend " + name + " in the environment of the editor, such as http://proxy.example.com:3128; or set network.proxy, which counts before it.",
		Details: &protocol.ErrorDetails{Cause: causeProxy},
	}
}

// Override returns base with what over sets in its place, field by field. A client
// certificate and its key are one setting.
func Override(base, over protocol.Network) protocol.Network {
	base.Proxy = cmp.Or(over.Proxy, base.Proxy)
	base.NoProxy = cmp.Or(over.NoProxy, base.NoProxy)
	base.CAFile = cmp.Or(over.CAFile, base.CAFile)
	if over.ClientCertFile != "" || over.ClientKeyFile != "" {
		base.ClientCertFile, base.ClientKeyFile = over.ClientCertFile, over.ClientKeyFile
	}
	return base
}

// Proxies lists the proxies that settings and the environment name, with the
// passwords that are in them.
func Proxies(n protocol.Network) []string {
	environment := httpproxy.FromEnvironment()
	return []string{n.Proxy, environment.HTTPProxy, environment.HTTPSProxy}
}

// proxySetting follows httpproxy.FromEnvironment.
func proxySetting(n protocol.Network, scheme string) string {
	if n.Proxy != "" {
		return "network.proxy"
	}
	variables := []string{"HTTPS_PROXY", "https_proxy"}
	if scheme == "http" {
		variables = []string{"HTTP_PROXY", "http_proxy"}
	}
	for _, name := range variables {
		if os.Getenv(name) != "" {
			return name
		}
	}
	return ""
}
