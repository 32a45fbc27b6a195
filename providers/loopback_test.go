package providers_test

import (
	"testing"

	"github.com/teamcodestream/codestream-agent/providers"
)

func TestWhatIsThisMachine(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.8.9.10": true, "::1": true,
		"": false, "localhost.example.com": false, "128.0.0.1": false, "0.0.0.0": false, "::2": false, "127.1": false,
	} {
		if got := providers.IsLoopback(host); got != want {
			t.Errorf("IsLoopback(%q) is %v", host, got)
		}
	}
}
