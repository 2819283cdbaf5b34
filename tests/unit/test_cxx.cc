// SPDX-License-Identifier: GPL-2.0
/*
 * tw.h and tier_watch.h are C++, too: compiled, linked with the shared library and run.
 */
#include "tier_watch.h"
#include "tw.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <vector>

static int failures;

#define EXPECT(x) do { \
		if (!(x)) { \
			std::printf("%s:%d: %s\n", __FILE__, __LINE__, #x); \
			failures++; \
		} \
	} while (0)

int main()
{
	std::vector<tw_event> slots(64);
	struct tw_ring_header header = {};
	struct tw_ring ring;
	struct tw *handle = nullptr;

	EXPECT(tw_tier_parse("hdd") == TW_TIER_HDD);
	EXPECT(!std::strcmp(tw_version(), "1.0.0"));
	EXPECT(tw_open("/dev/null", &handle) == -ENOTTY);
	EXPECT(!handle);
	EXPECT(tier_watch_free(&handle) == -EINVAL);

	header.online = 1;
	header.head = 1;
	slots[0].seq = 2;
	slots[0].type = TW_EVENT_FAULT;
	tw_ring_init(&ring, &header, slots.data(), 64);
	const struct tw_event *event = tw_ring_peek(&ring);
	EXPECT(event == &slots[0]);
	EXPECT(tw_ring_ok(&ring, event));
	EXPECT(!tw_ring_peek(&ring));
	std::printf("C++: %s\n", failures ? "FAILED" : "passed");
	return failures != 0;
}
