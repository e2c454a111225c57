//go:build !linux

package main

import (
	"context"
	"syscall"
)

// bring is never called: cannotBring says why.
func bring(context.Context) error { return errNoEngine }

func runInside(context.Context, string) error { return errNoEngine }

// apart puts a child into a group of its own: an interrupt at the terminal must not end it
// before those that use it.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
