package protocol

// WorkspaceFile is where a folder of the workspace has its instances, as an
// [InstanceFile].
const WorkspaceFile = ".codestream/gitlab.json"

// InstanceFile is a file from which instances come: .codestream/gitlab.json in a
// folder of the workspace, or the machine's policy. It is JSON of at most 64 KiB;
// comments and trailing commas are allowed. It never has a secret in it.
type InstanceFile struct {
	// Schema is the address of what describes the file, for editors.
	Schema string `json:"$schema,omitempty"`
	// Instances are those that the file gives to whoever has it: in a folder of the
	// workspace at most 20.
	Instances []SharedInstance `json:"instances"`
}

// SharedInstance is what a team shares of an instance. Its fields mean what they
// mean for [Configure].
type SharedInstance struct {
	// URL is the instance's base URL as the team's network knows it.
	URL string `json:"url"`
	// Name is shown to people. Default: the URL without its scheme.
	Name string `json:"name,omitempty"`
	// ClientID is the application ID. In a file it is that of a non-confidential
	// application, which needs no secret.
	ClientID string `json:"clientId,omitempty"`
	// RedirectURI is the redirect URI registered with the application. Default:
	// http://127.0.0.1/no-auth/provider-token/gitlab_enterprise.
	RedirectURI string `json:"redirectUri,omitempty"`
	// Scopes are asked for at sign-in. Default: ["api"].
	Scopes []string `json:"scopes,omitempty"`
	// SSHHosts are further hosts under which git remotes reach the instance.
	SSHHosts []string `json:"sshHosts,omitempty"`
	// AllowHTTP consents to plain http to a host other than loopback.
	AllowHTTP bool `json:"allowHttp,omitempty"`
	// Network overrides the editor's settings. Only the machine's policy may have
	// it: a repository does not say through whose proxy a token goes.
	Network *Network `json:"network,omitempty"`
}
