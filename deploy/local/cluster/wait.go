package cluster

import (
	"context"
	"time"
)

// poll asks until done says true, an error ends it, or ctx ends; then it returns ctx's error.
func poll(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// gone waits until none of the processes is alive and says whether that came true within the bound.
func gone(bound time.Duration, processes ...Identity) bool {
	ctx, cancel := context.WithTimeout(context.Background(), bound)
	defer cancel()
	return poll(ctx, 20*time.Millisecond, func() (bool, error) {
		for _, process := range processes {
			if process.Alive() {
				return false, nil
			}
		}
		return true, nil
	}) == nil
}
