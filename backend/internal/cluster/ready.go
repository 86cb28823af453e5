package cluster

import (
	"net"
	"slices"
	"strconv"

	discoveryv1 "k8s.io/api/discovery/v1"
)

// Ready implements understudy.Addresses.
func (r *Runtime) Ready(release string) []string { return (*r.ready.Load())[release] }

// resolve makes the map that Ready reads anew: slices change rarely, requests
// come all the time.
func (r *Runtime) resolve() {
	r.rebuild.Lock()
	defer r.rebuild.Unlock()
	all := map[string][]string{}
	for _, object := range r.slices.GetStore().List() {
		if s, ok := object.(*discoveryv1.EndpointSlice); ok {
			service := s.Labels[discoveryv1.LabelServiceName]
			all[service] = append(all[service], addresses(s)...)
		}
	}
	for service, urls := range all {
		slices.Sort(urls) // a pod may be in two slices for a moment
		all[service] = slices.Compact(urls)
	}
	r.ready.Store(&all)
}

// addresses are the base URLs of a slice's pods that are ready and not ending.
func addresses(s *discoveryv1.EndpointSlice) []string {
	if s.AddressType == discoveryv1.AddressTypeFQDN || len(s.Ports) == 0 || s.Ports[0].Port == nil {
		return nil
	}
	port := strconv.Itoa(int(*s.Ports[0].Port))
	var out []string
	for _, e := range s.Endpoints {
		ready := e.Conditions.Ready == nil || *e.Conditions.Ready
		ending := e.Conditions.Terminating != nil && *e.Conditions.Terminating
		if ready && !ending && len(e.Addresses) > 0 {
			out = append(out, "http://"+net.JoinHostPort(e.Addresses[0], port))
		}
	}
	return out
}
