package transactions

// Units are what DynamoDB charges for on demand.
type Units struct{ Reads, Writes float64 }

const (
	readUnit  = 4 << 10 // bytes that one unit reads, consistently; eventually consistent ones are half
	writeUnit = 1 << 10
)

// rowSize and entrySize are the bytes of a row and of its entry in the index, as
// DynamoDB counts them. All rows are alike.
var (
	rowSize   = size(whole(9999, row{refreshAt: firstID / 1000, expiresAt: firstID / 1000}))
	entrySize = size(entry(9999, row{refreshAt: firstID / 1000, expiresAt: firstID / 1000}))
)

// Sizes are the bytes of a row, and of its entry in the index.
func Sizes() (row, entry int) { return rowSize, entrySize }

// size is the sum of names and values. A number takes a byte for two digits, and one.
func size(attrs []attr) int {
	sum := 0
	for _, a := range attrs {
		sum += len(a.name)
		if a.kind == "N" {
			sum += (len(a.value)+1)/2 + 1
		} else {
			sum += len(a.value)
		}
	}
	return sum
}

// blocks is how many blocks of that many bytes hold n.
func blocks(n, of int) int { return (n + of - 1) / of }

// updateUnits is the price of an update: the row; and in the index, whose sort key is
// refresh_at, a deletion and an insertion where that has changed, else one write.
func updateUnits(moved bool) float64 {
	inIndex := blocks(entrySize, writeUnit)
	if moved {
		inIndex *= 2
	}
	return float64(blocks(rowSize, writeUnit) + inIndex)
}

func (r *Rows) charge(u Units) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.units.Reads += u.Reads
	r.units.Writes += u.Writes
}

// Units are all that was charged so far, of the ledger too.
func (r *Rows) Units() Units {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.units
}
