package providers

import (
	"cmp"
	"net/url"
	"os"

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
// a proxy or an address that is not a URL.
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
		return Proxy{}, invalidNetwork("the proxy", "is not a URL such as http://proxy.example.com:3128", nil)
	}
	return Proxy{proxy, proxySetting(n, target.Scheme)}, nil
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
