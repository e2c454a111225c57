package embedded

import (
	"encoding/json"
	"errors"
	"time"
)

// ageStep is how exact ages are. They are compared with minutes, because runs are a minute apart. A
// version younger than one step has no age.
const ageStep = 30 * time.Second

// moment is a time by the machine's own clock, which counts from its start and cannot be set.
type moment struct {
	Boot  string        `json:"boot"`  // names that start; empty: this system has no such clock
	Since time.Duration `json:"since"` // nanoseconds
}

// clock reads the machine's own clock.
type clock func() moment

// createdBucket is in the bucket of a secret: id of a version: when it was stored. Older releases
// write none, and leave it as it is.
var createdBucket = []byte("created")

// age is how long the file has had a version, in full steps; 0: not known, because it was stored
// before the machine's last start or by an older release.
func (b versions) age(id string) time.Duration {
	all := b.bucket.Bucket(createdBucket)
	if all == nil {
		return 0
	}
	var then moment
	now := b.now()
	if json.Unmarshal(all.Get([]byte(id)), &then) != nil || then.Boot == "" || then.Boot != now.Boot {
		return 0
	}
	return max(0, now.Since-then.Since).Truncate(ageStep)
}

// noteCreated notes that a version is stored now, and forgets versions that are gone.
func (b versions) noteCreated(id string) error {
	all, err := b.bucket.CreateBucketIfNotExists(createdBucket)
	if err != nil {
		return err
	}
	now, err := json.Marshal(b.now())
	errs := []error{err, all.Put([]byte(id), now)}
	cursor := all.Cursor()
	for id, _ := cursor.First(); id != nil; id, _ = cursor.Next() {
		if b.bucket.Bucket(versionsBucket).Get(id) == nil {
			errs = append(errs, cursor.Delete())
		}
	}
	return errors.Join(errs...)
}
