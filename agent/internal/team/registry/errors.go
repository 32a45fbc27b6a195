package registry

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
	"github.com/teamcodestream/codestream-agent/providers"
)

// What a server answers, by the codes that its errors have
// (https://github.com/nats-io/nats-server/blob/main/server/errors.json).
const (
	clusterNotAvailable = 10008 // JSClusterNotAvailErr
	tooManyConsumers    = 10026 // JSMaximumConsumersLimitErr
	streamOffline       = 10118 // JSStreamOfflineErr
)

// answered returns the code of what a server has answered, to a request or a watch; 0
// for another error.
func answered(err error) int {
	var api *jetstream.APIError
	var watch *nats.APIError
	switch {
	case errors.As(err, &api):
		return int(api.ErrorCode)
	case errors.As(err, &watch):
		return int(watch.ErrorCode)
	}
	return 0
}

// hasNoLeader reports whether the servers of a cluster can decide nothing.
func hasNoLeader(err error) bool {
	code := answered(err)
	return errors.Is(err, errNoLeader) || code == clusterNotAvailable || code == streamOffline
}

// What somebody can do whom the registry does not let write.
const (
	insteadOfSharing     = "Ask a maintainer of the registry, or keep the instance for yourself with share \"local\"."
	insteadOfWithdrawing = "Ask a maintainer of the registry to withdraw it; gitlabSM/disconnect signs out here alone."
)

// writeError says why a write has failed. instead is what to do where it is not allowed.
func (r *Registry) writeError(id, instead string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNoTeamKey):
		return noTeamKey()
	case errors.Is(err, nats.ErrPermissionViolation):
		return &protocol.Error{
			Code:    protocol.Forbidden,
			Message: "the team's registry does not let you change " + id + ": members read, and maintainers write",
			Hint:    instead,
			Details: &protocol.ErrorDetails{Cause: protocol.CauseRegistry},
			Err:     err,
		}
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch), isOtherRevision(err):
		return &protocol.Error{
			Code:    protocol.Conflict,
			Message: "somebody else has changed " + id + " in the team's registry meanwhile",
			Hint:    "Look at what gitlabSM/status shows by now, and configure again if it is not what you want.",
			Details: &protocol.ErrorDetails{Cause: protocol.CauseChanged},
			Err:     err,
		}
	}
	return r.unavailable(err)
}

// isOtherRevision reports whether the server has found another revision than the
// one that was to be replaced, as one alone or one of a cluster says it.
func isOtherRevision(err error) bool {
	code := jetstream.ErrorCode(answered(err))
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

func noTeamKey() error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "the client secret cannot be sealed for the team: the credentials file has no team key",
		Hint:    "Put a team key into the file of team.credentialsFile, the same for all members. Or use a non-confidential application, which has no secret.",
		Details: &protocol.ErrorDetails{Cause: protocol.CauseTeamKey},
	}
}

// unavailable is the error for a registry that does not answer; nil for no error.
func (r *Registry) unavailable(err error) error {
	if err == nil {
		return nil
	}
	var known *protocol.Error
	if errors.As(err, &known) { // about the credentials
		return protocol.WithCause(known, protocol.CauseCredentials)
	}
	var untrusted *tls.CertificateVerificationError
	var cause, problem string
	hint := "Check team.registry, the network and the VPN; it is tried again all the time."
	switch {
	case errors.As(err, &untrusted):
		cause = "certificate"
		problem, hint = providers.CertificateFault(untrusted)
		problem = "its certificate is not trusted: " + problem
	case errors.Is(err, nats.ErrSecureConnWanted):
		cause, problem = "tls", "it does not speak TLS"
		hint = "Ask whoever maintains the registry to turn TLS on."
	case errors.Is(err, nats.ErrPermissionViolation):
		cause, problem = "permission", "it does not let you read the bucket "+r.bucket
		hint = "Check team.name, and ask whoever maintains the registry for the permissions of a member."
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		cause, problem = "authorization", "it does not accept the credentials"
		hint = "Ask whoever maintains the registry for a new credentials file."
	case errors.Is(err, jetstream.ErrBucketNotFound):
		cause, problem = "bucket", "the team has shared no instance there yet, and it has no bucket "+r.bucket
		hint = "Once a maintainer shares the first, it is here by itself. Check team.name if there should be one."
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		cause, problem = "jetstream", "it has no JetStream"
		hint = "Ask whoever maintains the registry to enable JetStream for the account."
	case answered(err) == tooManyConsumers:
		cause, problem = "full", "as many editor windows watch it as it allows"
		hint = "Ask whoever maintains the registry to raise max_consumers in its configuration, and to look who has them all."
	case hasNoLeader(err):
		cause, problem = "quorum", "its servers have none that leads them: most are down, or one was lost just now"
		hint = "Ask whoever maintains the registry to bring them back; it is tried again all the time."
	case errors.Is(err, errTooMany):
		cause, problem = "size", fmt.Sprintf("its bucket %s has more than %d instances", r.bucket, maxRecords)
		hint = "Ask whoever maintains the registry to take out what is none."
	default:
		cause, problem = ofNetwork(err)
	}
	return &protocol.Error{
		Code:    protocol.RegistryUnavailable,
		Message: fmt.Sprintf("the team's registry %s cannot be used: %s", r.Name(), problem),
		Hint:    hint,
		Details: &protocol.ErrorDetails{Cause: cause, Text: err.Error()},
		Err:     err,
	}
}

// ofNetwork says what keeps the server from being reached, and else what the client says.
func ofNetwork(err error) (cause, problem string) {
	fault, problem, ok := providers.NetworkFault(err)
	switch {
	case fault == "timeout", errors.Is(err, nats.ErrTimeout), errors.Is(err, nats.ErrStaleConnection):
		return "timeout", "it does not answer in time"
	case fault == "refused", errors.Is(err, nats.ErrNoServers):
		return "refused", "nothing answers there"
	case fault == "reset", errors.Is(err, io.EOF), errors.Is(err, nats.ErrConnectionClosed):
		return "connection", "it has cut the connection off"
	case ok:
		return "connection", problem
	}
	return "connection", err.Error()
}

// reason tells a problem from another, and not from itself at another time: what the
// system says of it may have a port or the hour in it.
func reason(problem error) string {
	if problem == nil {
		return ""
	}
	if cause := causeOf(problem); cause != "" {
		return protocol.RegistryUnavailable.Name() + " " + cause
	}
	return problem.Error()
}

// Kind tells a problem from those of another kind, for whoever says it to somebody who
// need not hear the same twice. That the registry is not reached is one kind, whatever
// the cause: a server that starts anew is away by several, one after another.
func Kind(problem error) string {
	switch causeOf(problem) {
	case "refused", "timeout", "connection":
		return "unreached"
	}
	return reason(problem)
}

// causeOf returns the cause of RegistryUnavailable, "" for any other problem.
func causeOf(problem error) string {
	var known *protocol.Error
	if errors.As(problem, &known) && known.Code == protocol.RegistryUnavailable && known.Details != nil {
		return known.Details.Cause
	}
	return ""
}

func invalid(format string, args ...any) error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: fmt.Sprintf(format, args...),
		Hint:    "Mend team in the editor's settings.",
	}
}

func insecure(host string) error {
	return &protocol.Error{
		Code:    protocol.InsecureTransport,
		Message: "the team's registry at " + host + " is reached without TLS: whoever is on the network between could change the team's instances",
		Hint:    "Use tls:// in team.registry. If the registry has no TLS and you accept the risk, set team.allowInsecure.",
	}
}
