// SPDX-License-Identifier: GPL-2.0
/*
 * vector.cc - standard containers over the tiers: a vector and a map whose elements lie in
 * a region, are moved to a store as a whole, and are all there when they are used again
 */
#include <cstdio>
#include <exception>
#include <map>
#include <numeric>
#include <vector>

#include "tw.hpp"

namespace {

using numbers = std::vector<long, tierwatch::allocator<long>>;
using squares = std::map<long, long, std::less<long>,
			 tierwatch::allocator<std::pair<const long, long>>>;

/* The fastest store that is bound, or TW_TIER_NONE. */
int fastest_store(const tierwatch::device &device)
{
	for (int tier = 0; tier < TW_NR_TIERS; tier++)
		if (device.tier(tier).kind == TW_KIND_STORE)
			return tier;
	return TW_TIER_NONE;
}

bool work()
{
	const long count = 10000;
	tierwatch::device device;
	auto arena = std::make_shared<tierwatch::arena>(device, 4 << 20);
	numbers all{tierwatch::allocator<long>(arena)};
	squares map{tierwatch::allocator<std::pair<const long, long>>(arena)};
	int store = fastest_store(device);

	all.resize(count);
	std::iota(all.begin(), all.end(), 1);
	for (long i = 0; i < 100; i++)
		map[i] = i * i;
	if (store != TW_TIER_NONE)
		std::printf("%llu pages went to %s\n", arena->memory().migrate(store),
			    tw_tier_name(store));
	return std::accumulate(all.begin(), all.end(), 0L) == count * (count + 1) / 2 &&
	       map.at(99) == 99 * 99;
}

/* What is refused says which call it was. */
bool refused()
{
	tierwatch::device device;

	try {
		tierwatch::region nothing(device, 0);
	} catch (const std::system_error &error) {
		std::printf("refused: %s\n", error.what());
		return true;
	}
	return false;
}

} /* namespace */

int main()
{
	try {
		bool good = work() && refused();

		std::printf("%s\n", good ? "all is there" : "something is missing");
		return good ? 0 : 1;
	} catch (const std::exception &error) {
		std::fprintf(stderr, "vector: %s\n", error.what());
		return 1;
	}
}
