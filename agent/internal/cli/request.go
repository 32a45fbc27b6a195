package cli

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// requestFlags are the flags of request.
type requestFlags struct {
	target
	call    protocol.CallAPIParams
	query   []string
	headers []string
	data    string
	include bool
}

func (t *terminal) request() *cobra.Command {
	var f requestFlags
	cmd := &cobra.Command{
		Use:   "request PATH [flags]",
		Short: "Call GitLab's REST API as you",
		Long: "Call GitLab's REST API (https://docs.gitlab.com/api/rest/) as you. The path is below\n" +
			"/api/v4. The answer's body goes to stdout.",
		Example: "  codestream-agent request /user\n" +
			"  codestream-agent request /merge_requests -q scope=assigned_to_me --all\n" +
			"  codestream-agent request /projects/group%2Fproject/issues -X POST -d '{\"title\": \"A title\"}'",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f.call.Path = args[0]
			if err := f.complete(t.stdin); err != nil {
				return err
			}
			return t.with(cmd.Context(), func(c *client) error {
				to, err := t.resolve(cmd.Context(), c, f.target)
				if err != nil {
					return err
				}
				f.call.Instance, f.call.Account = to.instance, to.account
				result, err := call(cmd.Context(), c, protocol.CallAPI, f.call)
				if err != nil {
					return err
				}
				return t.showAnswer(result, f.include)
			})
		},
	}
	t.instanceFlag(cmd, &f.target)
	t.accountFlag(cmd, &f.target)
	flags := cmd.Flags()
	flags.StringVarP(&f.call.Method, "method", "X", "", "the HTTP `method`; default GET, or POST with --data")
	flags.StringArrayVarP(&f.query, "query", "q", nil, "a parameter of the query, as `name=value`; may be repeated")
	flags.StringArrayVarP(&f.headers, "header", "H", nil, "a header, as `Name: value`; may be repeated")
	flags.StringVarP(&f.data, "data", "d", "", "the body: `JSON`, or @FILE, or - for stdin")
	flags.BoolVar(&f.call.AllPages, "all", false, "follow the pages, and print one list")
	flags.BoolVarP(&f.include, "include", "i", false, "print the status and the headers first")
	return cmd
}

// complete makes parameters of the flags.
func (f *requestFlags) complete(stdin io.Reader) error {
	f.call.Query = make(map[string]protocol.QueryValue)
	for _, parameter := range f.query {
		name, value, ok := strings.Cut(parameter, "=")
		if !ok {
			return usagef("the parameter %q is not name=value", parameter)
		}
		f.call.Query[name] = append(f.call.Query[name], value)
	}
	f.call.Headers = make(map[string]string)
	for _, header := range f.headers {
		name, value, ok := strings.Cut(header, ":")
		if !ok {
			return usagef("the header %q is not Name: value", header)
		}
		f.call.Headers[strings.TrimSpace(name)] = strings.TrimSpace(value)
	}
	body, err := readData(f.data, stdin)
	if err != nil || body == nil {
		return err
	}
	if !json.Valid(body) {
		return usagef("the body is not JSON")
	}
	f.call.Body = body
	if f.call.Method == "" {
		f.call.Method = "POST"
	}
	return nil
}

func readData(data string, stdin io.Reader) ([]byte, error) {
	switch file, isFile := strings.CutPrefix(data, "@"); {
	case data == "":
		return nil, nil
	case data == "-":
		return io.ReadAll(stdin)
	case isFile:
		return os.ReadFile(file)
	}
	return []byte(data), nil
}

func (t *terminal) showAnswer(result protocol.CallAPIResult, include bool) error {
	if include {
		fmt.Fprintln(t.Stdout, result.Status)
		for _, name := range slices.Sorted(maps.Keys(result.Headers)) {
			fmt.Fprintf(t.Stdout, "%s: %s\n", name, result.Headers[name])
		}
		fmt.Fprintln(t.Stdout)
	}
	var text string
	switch isText := json.Unmarshal(result.Body, &text) == nil; {
	case string(result.Body) == "null":
		return nil
	case result.BodyEncoding == "base64":
		bytes, err := base64.StdEncoding.DecodeString(text)
		if err == nil {
			_, err = t.Stdout.Write(bytes)
		}
		return err
	case isText:
		_, err := fmt.Fprintln(t.Stdout, text)
		return err
	case isTerminal(t.Stdout):
		return t.printJSON(result.Body)
	}
	_, err := fmt.Fprintf(t.Stdout, "%s\n", result.Body)
	return err
}
