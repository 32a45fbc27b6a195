package registry

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
)

// replicas is how many servers of a cluster keep a bucket: one may be lost.
const replicas = 3

// Publish puts an instance into the bucket, which it makes where there is none.
// revision is that of the entry which whoever publishes has seen, 0 for none. It
// returns Conflict where the bucket has another by now, Forbidden where the server
// does not let this member write, and RegistryUnavailable.
func (r *Registry) Publish(ctx context.Context, e Entry, revision uint64) (uint64, error) {
	value, err := encode(e, r.key())
	if errors.Is(err, errNoTeamKey) {
		return 0, protocol.WithInstance(noTeamKey(), e.ID)
	}
	if err != nil {
		return 0, err
	}
	var got uint64
	err = r.write(ctx, e.ID, func(ctx context.Context, kv jetstream.KeyValue) (err error) {
		if revision == 0 {
			got, err = kv.Create(ctx, keyOf(e.ID), value)
		} else {
			got, err = kv.Update(ctx, keyOf(e.ID), value, revision)
		}
		return err
	})
	return got, err
}

// Withdraw takes an instance out of the bucket. Errors: as for Publish.
func (r *Registry) Withdraw(ctx context.Context, id string, revision uint64) error {
	return r.write(ctx, id, func(ctx context.Context, kv jetstream.KeyValue) error {
		return kv.Delete(ctx, keyOf(id), jetstream.LastRevision(revision))
	})
}

// write runs one write. A server that does not allow it says so beside the answer,
// for which one would wait in vain.
func (r *Registry) write(ctx context.Context, id string, do func(context.Context, jetstream.KeyValue) error) error {
	r.mu.Lock()
	conn, state := r.conn, r.state
	r.mu.Unlock()
	if conn == nil && !errors.Is(state.Problem, jetstream.ErrBucketNotFound) {
		return protocol.WithInstance(cmp.Or(state.Problem, r.unavailable(errors.New("it has not answered yet"))), id)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if conn == nil { // there is no bucket yet, and so no session
		var err error
		if conn, err = r.connect(ctx, make(chan error, 1)); err != nil {
			return protocol.WithInstance(r.unavailable(err), id)
		}
		defer conn.Close()
	}
	refused, done := r.expectRefusal(id)
	defer done()
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	go func() {
		select {
		case <-refused:
			refuse(nats.ErrPermissionViolation)
		case <-ctx.Done():
		}
	}()
	kv, err := r.bucketFor(ctx, conn)
	if err == nil {
		err = do(ctx, kv)
	}
	return protocol.WithInstance(r.writeError(id, cmp.Or(causeOf(ctx, err), err)), id)
}

// causeOf returns why a request was cut off.
func causeOf(ctx context.Context, err error) error {
	if err != nil && errors.Is(context.Cause(ctx), nats.ErrPermissionViolation) {
		return nats.ErrPermissionViolation
	}
	return nil
}

// bucketFor opens the bucket, or makes it: with copies where there is a cluster.
func (r *Registry) bucketFor(ctx context.Context, conn *nats.Conn) (jetstream.KeyValue, error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	kv, err := js.KeyValue(ctx, r.bucket)
	if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return kv, err
	}
	config := jetstream.KeyValueConfig{
		Bucket: r.bucket, Description: "GitLab instances of the team", History: 5,
		MaxValueSize: maxRecord, Storage: jetstream.FileStorage, Replicas: replicas,
	}
	kv, err = js.CreateKeyValue(ctx, config)
	var api *jetstream.APIError
	if errors.As(err, &api) { // it is no cluster of three
		config.Replicas = 1
		kv, err = js.CreateKeyValue(ctx, config)
	}
	return kv, err
}

// expectRefusal returns a channel that is closed when the server does not let this
// member write the key of an instance, or make the bucket.
func (r *Registry) expectRefusal(id string) (refused <-chan struct{}, done func()) {
	channel := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[id] = channel
	return channel, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.refused, id)
	}
}

// asyncError takes what the server says beside its answers.
func (r *Registry) asyncError(_ *nats.Conn, _ *nats.Subscription, err error) {
	r.Log.Info("the team's registry says", "registry", r.Name(), "error", err)
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, channel := range r.refused {
		if strings.Contains(err.Error(), keyOf(id)) || strings.Contains(err.Error(), "STREAM.CREATE") {
			close(channel)
			delete(r.refused, id)
		}
	}
}

func (r *Registry) writeError(id string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrPermissionViolation):
		return &protocol.Error{
			Code:    protocol.Forbidden,
			Message: "the team's registry does not let you change " + id + ": members read, and maintainers write",
			Hint:    "Ask a maintainer of the registry, or keep the instance for yourself with share \"local\".",
			Err:     err,
		}
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return &protocol.Error{
			Code:    protocol.Conflict,
			Message: "somebody else has changed " + id + " in the team's registry meanwhile",
			Hint:    "Look at what gitlabSM/status shows by now, and configure again if it is not what you want.",
			Err:     err,
		}
	}
	return r.unavailable(err)
}

func noTeamKey() error {
	return &protocol.Error{
		Code:    protocol.InvalidParams,
		Message: "the client secret cannot be sealed for the team: the credentials file has no team key",
		Hint:    "Put a team key into the file of team.credentialsFile, the same for all members. Or use a non-confidential application, which has no secret.",
	}
}

// unavailable is the error for a registry that does not answer; nil for no error.
func (r *Registry) unavailable(err error) error {
	if err == nil {
		return nil
	}
	var known *protocol.Error
	if errors.As(err, &known) { // about the credentials
		return known
	}
	cause, problem, hint := "connection", err.Error(), "What was last seen still serves. Check team.registry, the network and the VPN; it is tried again all the time."
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		cause, problem = "authorization", "it does not accept the credentials"
		hint = "Ask whoever maintains the registry for a new credentials file. What was last seen still serves."
	case errors.Is(err, jetstream.ErrBucketNotFound):
		cause, problem = "bucket", "it has no bucket "+r.bucket+" yet"
		hint = "A maintainer makes it with the first gitlabSM/configure with share \"team\". Check team.name if there should be one."
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrJetStreamNotEnabled), errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		cause, problem = "jetstream", "it has no JetStream"
		hint = "Ask whoever maintains the registry to enable JetStream for the account. What was last seen still serves."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, nats.ErrTimeout):
		cause, problem = "timeout", "it does not answer in time"
	case errors.Is(err, nats.ErrNoServers):
		cause, problem = "refused", "nothing answers there"
	}
	return &protocol.Error{
		Code:    protocol.RegistryUnavailable,
		Message: fmt.Sprintf("the team's registry %s cannot be used: %s", r.Name(), problem),
		Hint:    hint,
		Details: &protocol.ErrorDetails{Cause: cause, Text: err.Error()},
		Err:     err,
	}
}

// jitter spreads a delay, so that not all agents of a company come at once.
func jitter(delay time.Duration) time.Duration {
	return delay/2 + rand.N(delay/2)
}

func sorted(entries map[string]Entry) []Entry {
	list := slices.Collect(maps.Values(entries))
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return list
}
