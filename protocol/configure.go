package protocol

// ConfigureParams describes an instance.
type ConfigureParams struct {
	// URL is the instance's base URL as the user's network knows it: any
	// http(s)://host[:port][/root], with or without scheme or trailing slash.
	URL string `json:"url"`
	// ClientID is the application ID that GitLab shows for the OAuth application.
	// It may be left out where only personal access tokens are allowed.
	ClientID string `json:"clientId,omitempty"`
	// ClientSecret is the application's secret. A non-confidential application
	// has none.
	ClientSecret string `json:"clientSecret,omitempty"`
	// RedirectURI is the redirect URI registered with the application. Default:
	// http://127.0.0.1/no-auth/provider-token/gitlab_enterprise, with any free
	// port put in at sign-in. With a port, that port is used: GitLab before 13.9
	// compares it, and needs one.
	RedirectURI string `json:"redirectUri,omitempty"`
	// Scopes are asked for at sign-in. Default: ["api"].
	Scopes []string `json:"scopes,omitzero"`
	// Name is shown to people. Default: the URL without its scheme.
	Name string `json:"name,omitempty"`
	// SSHHosts are further host names, each with an optional port, under which
	// git remotes reach this instance, such as "ssh.gitlab.example.com:2222".
	SSHHosts []string `json:"sshHosts,omitzero"`
	// Network overrides the settings of initialize for this instance, field by field:
	// what it does not set, they still say. clientCertFile and clientKeyFile count as
	// one. With noProxy "*" the instance is reached directly, whatever proxy is set. A
	// password in the proxy's URL is kept sealed, and nobody is shown it.
	Network *Network `json:"network,omitempty"`
	// AllowHTTP consents to plain http to a host other than loopback.
	AllowHTTP bool `json:"allowHttp,omitempty"`
	// Share says who gets the instance: "local", "team" or "workspace". Default:
	// "team" where a registry is set, else "local". With "workspace" it is written into
	// the file of the first folder of the workspace, for the user to commit. With
	// "workspace" and "team" what was configured on this machine alone goes, and its
	// secret with it: it would hide what the others change.
	Share Share `json:"share,omitempty"`
	// Keep leaves what these parameters leave out as it is known, wherever that comes
	// from: the client secret as long as the application ID is the same, and the network
	// settings field by field. So one setting can be changed by who does not know the
	// secret. An empty list is not left out. An instance that is the team's stays so
	// where the registry is set; any other is this machine's own, unless share says
	// more. It changes nothing where the instance is not known yet. Default: false.
	Keep bool `json:"keep,omitempty"`
	// Verify is false to save without asking the instance first. Default: true.
	Verify *bool `json:"verify,omitempty"`
}

// ConfigureResult tells what was saved.
type ConfigureResult struct {
	Instance Instance `json:"instance"`
	// Warnings are sentences for the person who configures.
	Warnings []string `json:"warnings"`
}

// UnconfigureParams names an instance.
type UnconfigureParams struct {
	// Instance is the id, or the URL in any spelling.
	Instance string `json:"instance"`
}

// UnconfigureResult is empty.
type UnconfigureResult struct{}
