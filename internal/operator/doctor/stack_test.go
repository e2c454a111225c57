package doctor_test

import (
	"testing"

	"tokenrefresh/internal/operator/doctor"
)

//nolint:paralleltest // one stack for all
func TestStack(t *testing.T) {
	w := newWorld(t, nil)
	report := doctor.Run(t.Context(), w.stack.Checks())
	t.Log(report.Text(120, false))
}
