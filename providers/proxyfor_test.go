package providers_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

func TestProxyFor(t *testing.T) {
	const a, b = "http://a.example.com:3128", "http://b.example.com:3128"
	for name, c := range map[string]struct {
		environment    map[string]string
		network        protocol.Network
		address        string
		proxy, setting string
	}{
		"none":                         {nil, protocol.Network{}, "https://gitlab.example.com", "", ""},
		"the environment's":            {map[string]string{"HTTPS_PROXY": a, "HTTP_PROXY": b}, protocol.Network{}, "https://gitlab.example.com", a, "HTTPS_PROXY"},
		"the environment's for http":   {map[string]string{"HTTPS_PROXY": a, "http_proxy": b}, protocol.Network{}, "http://gitlab.example.com", b, "http_proxy"},
		"the settings' before it":      {map[string]string{"HTTPS_PROXY": a}, protocol.Network{Proxy: b}, "https://gitlab.example.com", b, "network.proxy"},
		"left out by noProxy":          {map[string]string{"https_proxy": a}, protocol.Network{NoProxy: "example.com"}, "https://gitlab.example.com", "", "https_proxy"},
		"left out as this machine's":   {nil, protocol.Network{Proxy: b}, "http://127.0.0.1:8080", "", "network.proxy"},
		"left out by the environment":  {map[string]string{"NO_PROXY": "example.com"}, protocol.Network{Proxy: a}, "https://gitlab.example.com", "", "network.proxy"},
		"another scheme's does not do": {map[string]string{"HTTP_PROXY": a}, protocol.Network{}, "https://gitlab.example.com", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, variable := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
				t.Setenv(variable, "")
			}
			for variable, value := range c.environment { // after all: Windows does not tell case
				t.Setenv(variable, value)
			}
			got, err := providers.ProxyFor(c.network, c.address)
			if err != nil {
				t.Fatal(err)
			}
			proxy := ""
			if got.URL != nil {
				proxy = got.URL.String()
			}
			if proxy != c.proxy || !strings.EqualFold(got.Setting, c.setting) {
				t.Errorf("got %q from %q, want %q from %q", proxy, got.Setting, c.proxy, c.setting)
			}
		})
	}
	if _, err := providers.ProxyFor(protocol.Network{Proxy: "::"}, "https://gitlab.example.com"); !errors.Is(err, protocol.InvalidParams) {
		t.Errorf("for a proxy that is not a URL: %v", err)
	}
}
