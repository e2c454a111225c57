package embedded

import (
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"tokenrefresh/pkg/secret"
	"tokenrefresh/pkg/store"
)

// versionsKept is how many versions a secret keeps, as many as Secrets Manager does.
const versionsKept = 100

// Staging labels mean the same as in Secrets Manager: pending was staged last, current is what
// readers get, previous was current before that.
var (
	pending  = []byte("AWSPENDING")
	current  = []byte("AWSCURRENT")
	previous = []byte("AWSPREVIOUS")
)

// A secret is a bucket "provider/account/document" with three buckets in it.
var (
	versionsBucket = []byte("versions") // id: value
	orderBucket    = []byte("order")    // number, counting up: id
	labelsBucket   = []byte("labels")   // label: id
)

// versions is the bucket of one secret, within a transaction.
type versions struct {
	bucket *bbolt.Bucket
	now    clock
}

// version returns a version; false where there is none.
func (b versions) version(id string) (store.Version, bool) {
	value := b.bucket.Bucket(versionsBucket).Get([]byte(id))
	if value == nil {
		return store.Version{}, false
	}
	return store.Version{ID: id, Value: secret.New(string(value)), Age: b.age(id)}, true
}

// labelled returns the id of the version that carries a label; empty: none does.
func (b versions) labelled(label []byte) string {
	return string(b.bucket.Bucket(labelsBucket).Get(label))
}

func (b versions) label(label []byte, id string) error {
	return b.bucket.Bucket(labelsBucket).Put(label, []byte(id))
}

// add stores a new version with labels. An error undoes the transaction with all steps.
func (b versions) add(v store.Version, labels ...[]byte) error {
	order := b.bucket.Bucket(orderBucket)
	number, err := order.NextSequence()
	errs := []error{
		err, order.Put(binary.BigEndian.AppendUint64(nil, number), []byte(v.ID)),
		b.bucket.Bucket(versionsBucket).Put([]byte(v.ID), []byte(v.Value.Reveal())),
	}
	for _, label := range labels {
		errs = append(errs, b.label(label, v.ID))
	}
	return errors.Join(append(errs, b.prune(v.ID), b.noteCreated(v.ID))...)
}

// makeCurrent moves current, and previous after it.
func (b versions) makeCurrent(id string) error {
	var err error
	if was := b.labelled(current); was != "" {
		err = b.label(previous, was)
	}
	return errors.Join(err, b.label(current, id))
}

// prune removes the oldest versions beyond the limit. It keeps those with a label, and the one just
// added, whose label may still follow.
func (b versions) prune(added string) error {
	keep := map[string]bool{
		added: true, b.labelled(pending): true, b.labelled(current): true, b.labelled(previous): true,
	}
	order := b.bucket.Bucket(orderBucket)
	tooMany := -versionsKept
	cursor := order.Cursor()
	for number, _ := cursor.First(); number != nil; number, _ = cursor.Next() {
		tooMany++
	}
	for number, id := cursor.First(); number != nil && tooMany > 0; number, id = cursor.Next() {
		if keep[string(id)] {
			continue
		}
		if err := errors.Join(b.bucket.Bucket(versionsBucket).Delete(id), cursor.Delete()); err != nil {
			return err
		}
		tooMany--
	}
	return nil
}
