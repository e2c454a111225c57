package dead

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// maxLine bounds a line of a list, in bytes.
const maxLine = 64 << 10

// ReadIDs reads a list of transactions, one on each line: an id, whatever follows it, or an object
// with transaction_id. Empty lines and those that begin with # don't count. Each mistake is
// reported with its line.
func ReadIDs(text io.Reader) ([]int64, error) {
	var ids []int64
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxLine)
	number := 0
	for lines.Scan() {
		number++
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, err := readID(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		ids = append(ids, id)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", number+1, err)
	}
	return ids, nil
}

func readID(line string) (int64, error) {
	if strings.HasPrefix(line, "{") {
		var one struct {
			ID int64 `json:"transaction_id"`
		}
		if err := json.Unmarshal([]byte(line), &one); err != nil || one.ID <= 0 {
			return 0, fmt.Errorf("it is not an object with a transaction_id above 0")
		}
		return one.ID, nil
	}
	word, _, _ := strings.Cut(strings.ReplaceAll(line, ",", " "), " ")
	id, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("it does not begin with the id of a transaction, a number above 0")
	}
	return id, nil
}
