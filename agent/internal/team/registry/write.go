package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// replicas is how many servers of a cluster keep a bucket: one may be lost.
	replicas = 3
	// noReplicas is the code of JSStreamReplicasNotSupportedErr: the server is alone. A
	// cluster that lacks servers at the moment says something else, and must not make a
	// bucket with one copy.
	noReplicas jetstream.ErrorCode = 10074
)

// Publish puts an instance into the bucket, which it makes where there is none.
// revision is that of the entry which whoever publishes has seen, 0 for none. It
// returns Conflict where the bucket has another by now, Forbidden where the server
// does not let this member write, and RegistryUnavailable.
func (r *Registry) Publish(ctx context.Context, e Entry, revision uint64) (got uint64, err error) {
	err = r.write(ctx, e.ID, func(ctx context.Context, js jetstream.JetStream) error {
		value, err := encode(e, r.key())
		if err != nil {
			return err
		}
		kv, err := r.bucketFor(ctx, js)
		switch {
		case err != nil:
			return err
		case revision == 0:
			got, err = kv.Create(ctx, keyOf(e.ID), value)
		default:
			got, err = kv.Update(ctx, keyOf(e.ID), value, revision)
		}
		return err
	})
	return got, err
}

// Withdraw takes an instance out of the bucket. Errors: as for Publish.
func (r *Registry) Withdraw(ctx context.Context, id string, revision uint64) error {
	return r.write(ctx, id, func(ctx context.Context, js jetstream.JetStream) error {
		kv, err := js.KeyValue(ctx, r.bucket)
		if err == nil {
			err = kv.Delete(ctx, keyOf(id), jetstream.LastRevision(revision))
		}
		return err
	})
}

// write runs one write, by the connection that watches or, where there is none or the
// credentials are others by now, by one of its own: there may be no bucket to watch
// yet, and whoever writes wants to know how it stands now.
func (r *Registry) write(ctx context.Context, id string, put func(context.Context, jetstream.JetStream) error) (err error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	r.mu.Lock()
	conn := r.conn
	r.mu.Unlock()
	if conn == nil || stateOf(r.Team.CredentialsFile) != r.read() {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout+requestTimeout)
		defer cancel()
		if conn, err = r.connect(ctx); err != nil {
			return protocol.WithInstance(r.unavailable(err), id)
		}
		defer conn.close()
		defer r.rouse()
	}
	err = conn.do(ctx, requestTimeout, func(ctx context.Context) error { return put(ctx, conn.js) })
	return protocol.WithInstance(r.writeError(id, err), id)
}

// rouse ends the pause before the next attempt to connect: the registry answers.
func (r *Registry) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// bucketFor opens the bucket, or makes it: with copies where there is a cluster.
func (r *Registry) bucketFor(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
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
	if errors.As(err, &api) && api.ErrorCode == noReplicas { // it is no cluster
		config.Replicas = 1
		kv, err = js.CreateKeyValue(ctx, config)
	}
	return kv, err
}

// jitter spreads a delay, so that not all agents of a company come at once.
func jitter(delay time.Duration) time.Duration {
	return delay/2 + rand.N(delay/2)
}
