package protocol

// InitializationOptions configure the agent. They come with initialize, and may
// come again by workspace/didChangeConfiguration under settings.codestream; what
// comes later replaces what came before as a whole, but for the data directory,
// which stays where none is named. A setting that the agent does not know is
// passed over with a warning.
type InitializationOptions struct {
	// DataDir is where the store lives. Default: $CODESTREAM_DATA_DIR, else the
	// operating system's convention.
	DataDir string `json:"dataDir,omitempty"`
	// Browser says who opens the browser. Default: "editor" where the client
	// supports window/showDocument, else "system".
	Browser Browser `json:"browser,omitempty"`
	// Keyring says where the key that seals secrets on disk is kept. Default:
	// "system", unless the agent was started with CODESTREAM_KEYRING=off.
	Keyring Keyring `json:"keyring,omitempty"`
	// Network applies to all instances, but for what an instance sets for itself with
	// gitlabSM/configure. Default: environment and system.
	Network *Network `json:"network,omitempty"`
	// Team is the shared registry. Default: none. Where it is taken out again, what was
	// last seen of the registry stays for 30 days, or until it is unconfigured.
	Team *Team `json:"team,omitempty"`
	// WorkspaceTrusted is whether files in the workspace may configure instances
	// without asking: what the user has told the editor of the workspace. Default: false.
	WorkspaceTrusted bool `json:"workspaceTrusted,omitempty"`
}

// Browser says who opens the user's browser.
type Browser string

// The values of [Browser].
const (
	BrowserEditor Browser = "editor" // the editor, asked by window/showDocument
	BrowserSystem Browser = "system" // the agent; $BROWSER is honoured
	BrowserNone   Browser = "none"   // nobody: the editor shows the URL
)

// Keyring says where the key that seals secrets on disk is kept.
type Keyring string

// The values of [Keyring].
const (
	// KeyringSystem is the user's own keyring: the Secret Service on Linux, the
	// Keychain on macOS, the Credential Manager on Windows. Where it does not
	// answer within 3 seconds, new secrets are sealed with a key file.
	KeyringSystem Keyring = "system"
	// KeyringOff keeps the key in a file in the data directory, which only the user
	// can read. What a keyring seals already is moved with the next secret that is
	// written.
	KeyringOff Keyring = "off"
)

// Network says how to reach GitLab.
type Network struct {
	// Proxy is the URL of an HTTP, HTTPS or SOCKS5 proxy, with its user and password
	// where it wants them: "http://user:password@proxy.example.com:3128", with "%40" for
	// an "@" in them and so on. Default: the variables HTTPS_PROXY and HTTP_PROXY. This
	// machine's own addresses are never asked through a proxy.
	Proxy string `json:"proxy,omitempty"`
	// NoProxy lists hosts that are reached directly, in the form of the variable
	// NO_PROXY, its default: host names, domains, IP addresses and CIDR blocks between
	// commas; "*" for all.
	NoProxy string `json:"noProxy,omitempty"`
	// CAFile is a PEM file of one or more certificates trusted in addition to the
	// system's. It is read again when it changes.
	CAFile string `json:"caFile,omitempty"`
	// ClientCertFile and ClientKeyFile are PEM files of a client certificate and of
	// its key, which must not have a passphrase.
	ClientCertFile string `json:"clientCertFile,omitempty"`
	ClientKeyFile  string `json:"clientKeyFile,omitempty"`
}

// Team says where the team's registry is.
type Team struct {
	// Name tells the teams of one registry apart: letters, digits, - and _.
	// Default: "team".
	Name string `json:"name,omitempty"`
	// Registry is the URL of the registry, nats:// or tls://, or several of a
	// cluster between commas.
	Registry string `json:"registry,omitempty"`
	// CredentialsFile is the path of a file with the credentials for the registry
	// and the team's key, which only the user can read.
	CredentialsFile string `json:"credentialsFile,omitempty"`
	// AllowInsecure consents to a registry without TLS on another machine.
	AllowInsecure bool `json:"allowInsecure,omitempty"`
}
