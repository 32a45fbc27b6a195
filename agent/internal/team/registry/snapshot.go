package registry

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucketState is what a watch has told so far.
type bucketState struct {
	bucket   string
	sequence uint64
	entries  map[string]Entry // by the instance's id
}

func (s *bucketState) snapshot() Snapshot {
	list := slices.Collect(maps.Values(s.entries))
	slices.SortFunc(list, func(a, b Entry) int { return strings.Compare(a.ID, b.ID) })
	return Snapshot{Bucket: s.bucket, Sequence: s.sequence, Entries: list}
}

// identify tells a bucket from others by the moment at which its stream was made.
func identify(ctx context.Context, kv jetstream.KeyValue) (string, error) {
	status, err := kv.Status(ctx)
	if err != nil {
		return "", err
	}
	bucket, ok := status.(*jetstream.KeyValueBucketStatus)
	if !ok {
		return "", fmt.Errorf("registry: the state of a bucket is a %T", status)
	}
	return status.Bucket() + "@" + bucket.StreamInfo().Created.UTC().Format(time.RFC3339Nano), nil
}
