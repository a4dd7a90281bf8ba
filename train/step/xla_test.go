//go:build xla

package step

import (
	"testing"

	"github.com/seed-fb2c0fa6/inception/internal/xlabackend"
)

func TestGoldenRMSPropXLA(t *testing.T) { testGoldenRMSProp(t, xlabackend.New(t)) }
