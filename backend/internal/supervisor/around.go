package supervisor

import (
	"sync"
	"time"

	"understudy.dev/backend/internal/localnode"
)

// around tells monitors what runs beside the local node.
func (p *Platform) around() localnode.Around {
	p.mu.Lock()
	services := p.services
	p.mu.Unlock()
	a := localnode.Around{Processes: []localnode.Process{}, Folders: p.sizes.look()}
	for _, s := range services {
		pid := s.pid()
		s.mu.Lock()
		started := s.started
		a.Processes = append(a.Processes, localnode.Process{Name: s.spec.name, URL: s.spec.url, PID: pid, Restarts: s.restarts, StartedAt: &started})
		s.mu.Unlock()
	}
	if p.redis != nil {
		a.Processes = append(a.Processes, localnode.Process{Name: "redis", URL: p.redis.Addr(), PID: p.State.PID, StartedAt: &p.began})
	}
	return a
}

type folder struct{ name, path string }

// sizes remembers how large folders are for a while: a walk takes its time.
type sizes struct {
	folders []folder

	mu   sync.Mutex
	at   time.Time
	last []localnode.Folder
}

const sizesFor = 15 * time.Second

func (s *sizes) look() []localnode.Folder {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last == nil || time.Since(s.at) > sizesFor {
		s.last = []localnode.Folder{}
		for _, f := range s.folders {
			s.last = append(s.last, localnode.SizeOf(f.name, f.path))
		}
		s.at = time.Now()
	}
	return s.last
}
