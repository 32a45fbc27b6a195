package registry

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// These end a session, and another begins at once: the state has to be read anew.
var (
	errNewCredentials = errors.New("the credentials file has changed") // what could not be opened may be now
	errOtherBucket    = errors.New("the bucket is gone, or was made anew, restored or purged")
	errDeaf           = errors.New("the watch does not tell all that there is")
)

// A watch is a session's, on one connection.
type watch struct {
	*Registry
	conn  *connection
	file  fileWatch // of the credentials
	kv    jetstream.KeyValue
	keys  jetstream.KeyWatcher
	state bucketState
	begun uint64 // the bucket's newest revision when the watch began
	ahead uint64 // and at the last check
}

// session is one connection. It returns why it ended.
//
// The client's own reconnecting is not used: it would go on with a watch of which
// nobody knows whether the bucket is still the one that it began with. A new
// connection begins with the whole state.
func (r *Registry) session(ctx context.Context, l Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	conn, err := r.connect(ctx)
	if err != nil {
		return err
	}
	w := watch{Registry: r, conn: conn, file: watchFile(r.Team.CredentialsFile, conn.credentials.read)}
	defer w.drain()
	defer conn.close()
	if err := w.begin(ctx, l); err != nil {
		return err
	}
	r.setWatching(conn)
	defer r.setWatching(nil)
	return w.follow(ctx, l)
}

// begin begins the watch once there is a bucket. Until then it asks for it by the same
// connection: a new one each time would be a burden where a whole company waits.
func (w *watch) begin(ctx context.Context, l Listener) error {
	for {
		err := w.conn.do(ctx, func(opening context.Context) error { return w.open(ctx, opening) })
		if !errors.Is(err, jetstream.ErrBucketNotFound) {
			return err
		}
		w.set(l, false, w.unavailable(err))
		if err := w.awaitBucket(ctx); err != nil {
			return err
		}
	}
}

// awaitBucket waits until it is time to ask for the bucket again, or this agent may have
// made it.
func (w *watch) awaitBucket(ctx context.Context) error {
	again := time.NewTimer(jitter(w.pace.absent))
	defer again.Stop()
	select {
	case <-again.C:
	case <-w.wake:
	case err := <-w.conn.lost:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.file.renewed() {
		return errNewCredentials
	}
	return nil
}

// open opens the bucket, and watches it until the connection ends: the server forgets
// a consumer that nobody listens to after five seconds, and a request to do so at once
// may be one that is never answered.
func (w *watch) open(ctx, opening context.Context) (err error) {
	if w.kv, err = w.conn.js.KeyValue(opening, w.bucket); err != nil {
		return err
	}
	info, err := ask(opening, w.kv)
	if err != nil {
		return err
	}
	w.state, w.begun = newState(info), info.State.LastSeq
	ctx, cancel := context.WithCancel(ctx)
	defer context.AfterFunc(opening, cancel)()
	w.keys, err = w.kv.WatchAll(ctx)
	return err
}

// drain takes what the watch had still to tell when the connection was closed, for which
// the client may have no room: else it waits for ever for somebody who does. After that
// it tells no more, and need not say so where it was closed while it was made.
func (w *watch) drain() {
	if w.keys == nil {
		return
	}
	for {
		select {
		case _, ok := <-w.keys.Updates():
			if !ok {
				return
			}
		default:
			return
		}
	}
}

// follow keeps each state of the bucket until the connection is lost.
func (w *watch) follow(ctx context.Context, l Listener) error {
	complete := false
	late := time.NewTimer(requestTimeout)
	defer late.Stop()
	file := time.NewTicker(w.pace.file)
	defer file.Stop()
	bucket := time.NewTimer(jitter(w.pace.bucket))
	defer bucket.Stop()
	var retry <-chan time.Time
	for {
		select {
		case update, ok := <-w.keys.Updates():
			switch {
			case !ok:
				return whyClosed(w.conn.conn)
			case update == nil: // all that there was has come
				complete = true
			default:
				if err := w.apply(ctx, update); err != nil {
					return err
				}
			}
		case <-retry:
		case <-file.C:
			if w.file.renewed() {
				return errNewCredentials
			}
			continue
		case <-bucket.C:
			if err := w.check(ctx); err != nil {
				return err
			}
			bucket.Reset(jitter(w.pace.bucket))
			continue
		case <-late.C: // servers without a leader take a watch, and say nothing
			return nats.ErrTimeout
		case err := <-w.conn.lost:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		if retry = nil; !complete || len(w.keys.Updates()) > 0 {
			continue
		}
		last, err := w.compare(ctx)
		if err != nil {
			return err
		}
		if last > w.reached() { // the rest is on its way
			continue
		}
		late.Stop()
		w.set(l, true, nil)
		if l.Keep(w.state.snapshot()) != nil {
			retry = time.After(time.Second)
		}
	}
}

// apply takes in what has become of a key.
func (w *watch) apply(ctx context.Context, update jetstream.KeyValueEntry) error {
	w.state.sequence = max(w.state.sequence, update.Revision())
	w.state.keys[update.Key()] = true
	id, ok := idOf(update.Key())
	if !ok {
		w.Log.Warn("a key of the team's registry is passed over: it is none of an instance", "registry", w.Name(), "key", update.Key())
		return nil
	}
	if update.Operation() != jetstream.KeyValuePut {
		delete(w.state.entries, id)
		return nil
	}
	if len(update.Value()) == 0 {
		if err := w.doubt(ctx, update); err != nil {
			return err
		}
	}
	entry := decode(id, update.Value(), update.Revision(), w.conn.credentials.teamKey)
	w.Seen(entry.ClientSecret)
	w.state.entries[id] = entry
	if len(w.state.entries) > maxRecords {
		return errTooMany
	}
	return nil
}

// check asks whether the bucket is still the one that is watched. Where it was made
// anew, the client goes on from the revision at which it was, which does not come. Nor
// does anything where somebody with the same credentials has changed the watch: what
// was there at the check before has come by now.
func (w *watch) check(ctx context.Context) error {
	last, err := w.compare(ctx)
	if err != nil {
		return err
	}
	if w.ahead > w.reached() {
		return errDeaf
	}
	w.ahead = last
	return nil
}

// reached is the bucket's revision up to which the watch has told all.
func (w *watch) reached() uint64 { return max(w.state.sequence, w.begun) }

// compare asks the server whether the watch has told of every key that there is, and
// returns the bucket's newest revision. What is missing in the state that is kept counts
// as withdrawn, and somebody with the same credentials can have the server send a watch
// less, or send it what another is for: that is not to be believed by itself.
func (w *watch) compare(ctx context.Context) (last uint64, err error) {
	err = w.conn.do(ctx, func(ctx context.Context) error {
		info, err := ask(ctx, w.kv)
		switch {
		case errors.Is(err, jetstream.ErrBucketNotFound):
			return errOtherBucket
		case err != nil:
			return err
		}
		last = info.State.LastSeq
		switch {
		case !w.state.isOf(info):
			return errOtherBucket
		case last <= w.reached() && info.State.NumSubjects != uint64(len(w.state.keys)):
			return errDeaf
		}
		return nil
	})
	return last, err
}

// doubt looks whether a record that came empty is. A watch can be changed so that it
// gets no more than that there is one.
func (w *watch) doubt(ctx context.Context, update jetstream.KeyValueEntry) error {
	return w.conn.do(ctx, func(ctx context.Context) error {
		now, err := w.kv.Get(ctx, update.Key())
		switch {
		case errors.Is(err, jetstream.ErrKeyNotFound): // it has gone meanwhile
			return nil
		case err == nil && len(now.Value()) > 0:
			return errDeaf
		}
		return err
	})
}
