package cli

import (
	"math"
	"strings"
	"time"
)

// atTerminal is what the agent's sentences name, in the words of the commands. Where
// two would fit the first does.
var atTerminal = strings.NewReplacer(
	"See the reference page of the protocol for the parameters of each method.", "See codestream-agent --help.",
	"gitlabSM/authenticate", "codestream-agent login",
	"gitlabSM/configure", "codestream-agent login URL --client-id ID",
	"gitlabSM/unconfigure", "codestream-agent logout URL --forget-instance",
	"gitlabSM/disconnect", "codestream-agent logout URL",
	"gitlabSM/status", "codestream-agent status",
	"gitlabSM/request", "codestream-agent request",
	"gitlabSM/diagnose", "codestream-agent doctor",
	" (gitlabSM/completeAuthentication)", "",
	`Let the editor open it (set "browser" to "editor"), sign in with the method "device" or "token",`, "Sign in with --method device or --method token,",
	`the method "token"`, "--method token", `the method "browser"`, "--method browser", `the method "device"`, "--method device",
	"the parameter account", "--account", "The parameter account", "--account", "the parameter instance", "--instance",

	": in the editor's settings, or where the instance is configured", "",
	"in the environment of the editor", "in the environment",
	"Put user and password into the URL of network.proxy, such as http://user:password@proxy.example.com:3128, with %40 for an @ in them.",
	"Give the user in --proxy, such as http://user@proxy.example.com:3128, and the password with --proxy-password-stdin.",
	"network.proxy, its user and its password", "--proxy and --proxy-password-stdin",
	"network.proxy in the settings", "--proxy",
	"network.proxy", "--proxy", "network.noProxy", "--no-proxy", "network.caFile", "--ca-file",
	"network.clientCertFile", "--client-cert", "network.clientKeyFile", "--client-key",

	"set allowHttp", "use --allow-http",
	"clientSecret goes with clientId", "--client-secret-stdin goes with --client-id",
	"redirectUri", "--redirect-uri", "sshHosts", "--ssh-hosts",
	"timeoutSeconds", "--timeout", "minValiditySeconds", "--min-validity", "allPages", "--all",
	"callbackUrl", "what was pasted",
	`"keyring" set to "system"`, "CODESTREAM_KEYRING set to system",
)

// forTerminal returns a sentence of the agent's for somebody at a terminal.
func forTerminal(sentence string) string { return atTerminal.Replace(sentence) }

// hintForTerminal also says whose the flags are that it names: a command that fails
// for the network may be another.
func hintForTerminal(hint string) string {
	said := forTerminal(hint)
	if strings.Contains(hint, "network.") {
		said += " Settings of the network are flags of codestream-agent login URL."
	}
	return said
}

// seconds returns a flag's duration in whole seconds, rounded up.
func seconds(flag string, d, least, most time.Duration) (int, error) {
	if d < least || d > most {
		return 0, usagef("--%s is %v; it can be %v to %v", flag, d, least, most)
	}
	return int(math.Ceil(d.Seconds())), nil
}
