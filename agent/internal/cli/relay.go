package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/agent/internal/relay"
)

func (t *terminal) relay() *cobra.Command {
	var c relay.Config
	var listen string
	cmd := &cobra.Command{
		Use:   "relay [flags]",
		Short: "Serve an https redirect URI for a whole organisation",
		Long: "Take the browser's callback at an https address, and send the browser on to the\n" +
			"agent on the user's own machine. It keeps nothing, sees no token, and leads nowhere\n" +
			"but to 127.0.0.1; so any number of copies can stand behind a load balancer.\n\n" +
			"Register its address as redirect URI of the application in GitLab, and configure the\n" +
			"instance with the same redirect URI. GET " + relay.HealthPath + " answers 200. A line a request goes to\n" +
			"stderr, without the code; of health checks at --log-level debug alone. SIGTERM stops it when what is under way has ended.",
		Example: "  codestream-agent relay --listen 127.0.0.1:8080            # behind a proxy that speaks TLS\n" +
			"  codestream-agent relay --listen :443 --tls-cert cert.pem --tls-key key.pem",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := relay.ValidPath(c.Path); err != nil {
				return usageError{err}
			}
			if (c.CertFile == "") != (c.KeyFile == "") {
				return usagef("--tls-cert and --tls-key go together")
			}
			var level slog.Level
			if err := level.UnmarshalText([]byte(cmp.Or(t.LogLevel, "info"))); err != nil {
				return usagef("there is no log level %q; it can be error, warn, info or debug", t.LogLevel)
			}
			c.Log = slog.New(slog.NewJSONHandler(t.Stderr, &slog.HandlerOptions{Level: level}))
			return serveRelay(cmd.Context(), listen, c)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:8080", "the `address` to listen at")
	flags.StringVar(&c.Path, "path", relay.DefaultPath, "the `path` of the redirect URI")
	flags.StringVar(&c.CertFile, "tls-cert", "", "a PEM `file` with the certificate and its chain")
	flags.StringVar(&c.KeyFile, "tls-key", "", "a PEM `file` with its key")
	return cmd
}

func serveRelay(ctx context.Context, address string, c relay.Config) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("the relay cannot listen: %w; choose another address with --listen", err)
	}
	return relay.Serve(ctx, listener, c)
}
