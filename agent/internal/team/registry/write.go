package registry

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/teamcodestream/codestream-agent/protocol"
)

const (
	// replicas is how many servers of a cluster keep a bucket: one may be lost.
	replicas = 3
	// history is how many revisions of a record the bucket keeps: what was sealed with a
	// team key that has leaked, or was withdrawn, is to be had no more.
	history = 1
	// noReplicas is the code of JSStreamReplicasNotSupportedErr: the server is alone. A
	// cluster that lacks servers at the moment says something else, and must not make a
	// bucket with one copy.
	noReplicas jetstream.ErrorCode = 10074
	// idle is how long the server keeps a consumer that nobody listens to, also one that
	// a member has asked it to keep for longer, or for ever: as long as one without a
	// word on it.
	idle = 5 * time.Second
)

// Version says which state of an instance somebody has seen; the zero value: none.
type Version struct {
	// Bucket is that of the snapshot, empty where it is not known.
	Bucket string
	// Revision is the entry's.
	Revision uint64
}

// Publish puts an instance into the bucket, which it makes where there is none, and
// returns what is there now. seen is what whoever publishes has seen: in a bucket that
// is gone, or another by now, it counts as none. It returns Conflict where the bucket
// has another version, Forbidden where the server does not let this member write,
// RegistryUnavailable, and context.Canceled.
func (r *Registry) Publish(ctx context.Context, e Entry, seen Version) (now Version, err error) {
	err = r.write(ctx, e.ID, insteadOfSharing, func(ctx context.Context, conn *connection) error {
		value, err := encode(e, conn.credentials.teamKey)
		if err != nil {
			return err
		}
		kv, info, err := r.openBucket(ctx, conn.js)
		if errors.Is(err, jetstream.ErrBucketNotFound) {
			seen = Version{}
			kv, info, err = r.makeBucket(ctx, conn.js)
		}
		if err != nil {
			return err
		}
		now.Bucket = identify(info)
		if seen.Revision == 0 || seen.isOfAnother(now.Bucket) {
			now.Revision, err = kv.Create(ctx, keyOf(e.ID), value)
		} else {
			now.Revision, err = kv.Update(ctx, keyOf(e.ID), value, seen.Revision)
		}
		if err == nil {
			r.limitConsumers(ctx, conn.js, info.Config)
		}
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return now, nil
}

// Withdraw takes an instance out of the bucket, and returns the version of the mark
// that stands in its place. Where nobody has seen it, or the bucket is gone and no
// other has it, there is nothing to do, and no mark. Errors: as for Publish.
func (r *Registry) Withdraw(ctx context.Context, id string, seen Version) (mark Version, err error) {
	if seen.Revision == 0 {
		return Version{}, nil
	}
	err = r.write(ctx, id, insteadOfWithdrawing, func(ctx context.Context, conn *connection) error {
		kv, info, err := r.openBucket(ctx, conn.js)
		switch {
		case errors.Is(err, jetstream.ErrBucketNotFound):
			return nil
		case err != nil:
			return err
		case !seen.isOfAnother(identify(info)):
			mark.Bucket = identify(info)
			mark.Revision, err = r.putMark(ctx, conn.js, id, seen.Revision)
			return err
		}
		_, err = kv.Get(ctx, keyOf(id))
		switch {
		case err == nil:
			return jetstream.ErrKeyRevisionMismatch
		case errors.Is(err, jetstream.ErrKeyNotFound):
			return nil
		}
		return err
	})
	if err != nil {
		return Version{}, err
	}
	return mark, nil
}

// putMark puts the mark of a deletion in the place of a revision, and returns the
// mark's own, which [jetstream.KeyValue].Delete does not tell (NATS's ADR-8, "Delete").
func (r *Registry) putMark(ctx context.Context, js jetstream.JetStream, id string, over uint64) (uint64, error) {
	mark := nats.NewMsg("$KV." + r.bucket + "." + keyOf(id))
	mark.Header.Set("KV-Operation", "DEL")
	ack, err := js.PublishMsg(ctx, mark, jetstream.WithExpectLastSequencePerSubject(over))
	if err != nil {
		return 0, err
	}
	return ack.Sequence, nil
}

func (v Version) isOfAnother(bucket string) bool { return v.Bucket != "" && v.Bucket != bucket }

// write runs one write, which returns an error of [Registry.writeError].
func (r *Registry) write(ctx context.Context, id, instead string, put func(context.Context, *connection) error) error {
	err := r.request(ctx, put)
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return protocol.WithInstance(r.writeError(id, instead, err), id)
}

// request makes a request by the connection that watches or, where there is none or
// the credentials are others by now, by one of its own: there may be no bucket to watch
// yet, and whoever writes wants to know how it stands now.
func (r *Registry) request(ctx context.Context, put func(context.Context, *connection) error) error {
	if conn := r.watching(); conn != nil && conn.credentials.read.is(stateOf(r.Team.CredentialsFile)) {
		err := conn.do(ctx, func(ctx context.Context) error { return put(ctx, conn) })
		if !errors.Is(err, errClosed) {
			return err
		}
	}
	connecting, cancel := context.WithTimeout(ctx, connectTimeout+requestTimeout)
	defer cancel()
	conn, err := r.connect(connecting)
	if err != nil {
		return err
	}
	defer r.rouse()
	defer conn.close()
	return conn.do(ctx, func(ctx context.Context) error { return put(ctx, conn) })
}

// rouse ends the pause before the next attempt to connect: the registry answers.
func (r *Registry) rouse() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// openBucket opens the bucket for a write. One that an earlier agent has made keeps what was
// there before: that goes first.
func (r *Registry) openBucket(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, *jetstream.StreamInfo, error) {
	kv, err := js.KeyValue(ctx, r.bucket)
	if err != nil {
		return nil, nil, err
	}
	info, err := ask(ctx, kv)
	if err != nil {
		return nil, nil, err
	}
	if info.Config.MaxMsgsPerSubject != history {
		info.Config.MaxMsgsPerSubject = history
		_, err = js.UpdateStream(ctx, info.Config)
	}
	return kv, info, err
}

// limitConsumers has the server forget every consumer that is idle, unless an operator
// has said how long it waits. What was written does not depend on that: the server
// refuses while it has promised somebody more, and where maintainers may not update.
func (r *Registry) limitConsumers(ctx context.Context, js jetstream.JetStream, config jetstream.StreamConfig) {
	if config.ConsumerLimits.InactiveThreshold != 0 {
		return
	}
	config.ConsumerLimits.InactiveThreshold = idle
	if _, err := js.UpdateStream(ctx, config); err != nil {
		r.Log.Warn("the team's registry may keep consumers that nobody listens to", "registry", r.Name(), "error", err)
	}
}

// makeBucket makes the bucket: with copies where there is a cluster.
func (r *Registry) makeBucket(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, *jetstream.StreamInfo, error) {
	config := jetstream.KeyValueConfig{
		Bucket: r.bucket, Description: "GitLab instances of the team", History: history,
		MaxValueSize: maxRecord, Storage: jetstream.FileStorage, Replicas: replicas,
	}
	_, err := js.CreateKeyValue(ctx, config)
	var api *jetstream.APIError
	if errors.As(err, &api) && api.ErrorCode == noReplicas { // it is no cluster
		config.Replicas = 1
		_, err = js.CreateKeyValue(ctx, config)
	}
	if err != nil && !errors.Is(err, jetstream.ErrBucketExists) { // made by somebody else just now
		return nil, nil, err
	}
	return r.openBucket(ctx, js)
}

// jitter spreads a delay, so that not all agents of a company come at once.
func jitter(delay time.Duration) time.Duration {
	return delay/2 + rand.N(delay/2)
}
