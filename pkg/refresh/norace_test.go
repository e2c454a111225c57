//go:build !race

package refresh_test

const thin = 1
