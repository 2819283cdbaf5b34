// SPDX-License-Identifier: GPL-2.0
/*
 * tw.hpp - libtw in C++: handles that close themselves, errors as exceptions, and an
 * allocator that has standard containers keep their elements in a region
 *
 * A header to copy and change. A region has a fixed size; the allocator gives pieces of it
 * from the beginning on, and frees all with the last of them. That suits containers that
 * are filled and kept, such as a vector that was reserved. It is no general malloc.
 */
#ifndef TW_HPP
#define TW_HPP

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include <tw.h>

namespace tierwatch {

/* What libtw returned; -errno becomes std::system_error, which names the call. */
inline int check(int result, const char *call)
{
	if (result < 0)
		throw std::system_error(-result, std::generic_category(), call);
	return result;
}

/* A handle of libtw and the function that closes it; it moves and does not copy. */
template <typename T, void (*Close)(T *)>
struct closer {
	void operator()(T *handle) const { Close(handle); }
};

template <typename T, void (*Close)(T *)>
using handle = std::unique_ptr<T, closer<T, Close>>;

class device {
public:
	explicit device(const char *path = nullptr)
	{
		tw *opened = nullptr;

		check(tw_open(path, &opened), "tw_open");
		tw_.reset(opened);
	}

	tw *get() const { return tw_.get(); }

	tw_tier_info tier(int tier) const
	{
		tw_tier_info info = {};

		check(tw_tier_info(get(), tier, &info), "tw_tier_info");
		return info;
	}

private:
	handle<tw, tw_close> tw_;
};

class region {
public:
	region(const device &d, std::size_t bytes, int affinity = TW_TIER_CPU)
	{
		tw_region *made = nullptr;

		check(tw_region_create(d.get(), bytes, affinity, 0, nullptr, &made),
		      "tw_region_create");
		region_.reset(made);
	}

	tw_region *get() const { return region_.get(); }
	char *data() const { return static_cast<char *>(tw_region_addr(get())); }
	std::size_t size() const { return tw_region_size(get()); }

	tw_region_info info() const
	{
		tw_region_info info = {};

		check(tw_region_info(get(), &info), "tw_region_info");
		return info;
	}

	/* Pages of the whole region that went to a tier. */
	unsigned long long migrate(int tier)
	{
		tw_move_sum sum = {};

		check(tw_region_migrate(get(), 0, size(), tier, TW_TIER_NONE,
					TW_REASON_MANUAL, nullptr, 0, &sum),
		      "tw_region_migrate");
		return sum.moved;
	}

private:
	handle<tw_region, tw_region_close> region_;
};

/* Pieces of a region, one behind the other. Threads may share it. */
class arena {
public:
	arena(const device &d, std::size_t bytes) : region_(d, bytes) {}

	region &memory() { return region_; }

	void *allocate(std::size_t bytes, std::size_t align)
	{
		std::lock_guard<std::mutex> guard(lock_);
		std::size_t at = (used_ + align - 1) / align * align;

		if (at < used_ || at > region_.size() || bytes > region_.size() - at)
			throw std::bad_alloc();
		used_ = at + bytes;
		pieces_++;
		return region_.data() + at;
	}

	/* When the last piece is free, so are the pages of all. */
	void deallocate() noexcept
	{
		std::lock_guard<std::mutex> guard(lock_);
		__u64 discarded;

		if (--pieces_)
			return;
		used_ = 0;
		tw_region_discard(region_.get(), 0, region_.size(), &discarded);
	}

private:
	region region_;
	std::mutex lock_;
	std::size_t used_ = 0;
	std::size_t pieces_ = 0;
};

/* For std::vector<int, tierwatch::allocator<int>> and the like. */
template <typename T>
class allocator {
public:
	using value_type = T;

	explicit allocator(std::shared_ptr<arena> from) : arena_(std::move(from)) {}
	template <typename U>
	allocator(const allocator<U> &other) : arena_(other.source()) {}

	T *allocate(std::size_t n)
	{
		if (n > static_cast<std::size_t>(-1) / sizeof(T))
			throw std::bad_array_new_length();
		return static_cast<T *>(arena_->allocate(n * sizeof(T), alignof(T)));
	}

	void deallocate(T *, std::size_t) noexcept { arena_->deallocate(); }

	const std::shared_ptr<arena> &source() const { return arena_; }

	template <typename U>
	bool operator==(const allocator<U> &other) const
	{
		return arena_ == other.source();
	}

	template <typename U>
	bool operator!=(const allocator<U> &other) const
	{
		return !(*this == other);
	}

private:
	std::shared_ptr<arena> arena_;
};

} /* namespace tierwatch */

#endif /* TW_HPP */
