package wire

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// timer waits exactly. time.Sleep rounds up to the millisecond where nothing else is
// to do, which is a tenth of the time that DynamoDB is said to take.
type timer struct {
	fd   int
	file *os.File // of fd; waits without a thread
}

func newTimer() (*timer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	return &timer{fd: fd, file: os.NewFile(uintptr(fd), "timer")}, nil
}

// wait returns after d.
func (t *timer) wait(d time.Duration) error {
	if d <= 0 {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(d.Nanoseconds())}
	if err := unix.TimerfdSettime(t.fd, 0, &spec, nil); err != nil {
		return fmt.Errorf("set a timer: %w", err)
	}
	var expirations [8]byte
	_, err := t.file.Read(expirations[:])
	return err
}

func (t *timer) close() { _ = t.file.Close() }
