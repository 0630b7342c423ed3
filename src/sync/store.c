/* SPDX-License-Identifier: MIT */
/*
 * The items of a queue; see store.h.
 *
 * A priority queue keeps base/heap.h's heap of entries that carry, before the
 * item, what the comparison needs beyond it: the program's own function, since
 * the heap's has no place for it, and a serial number that keeps equals in
 * order. One entry past the capacity is where an item gets its head on before
 * it is pushed.
 */
#include "sync/store.h"

#include <errno.h>
#include <string.h>

#include "base/heap.h"
#include "base/mem.h"

enum {
    STORE_FIRST_CAPACITY = 8,
    STORE_EAGER_BYTES = 64 * 1024,
};

struct entry {
    asyncio_compare_fn *compare;
    uint64_t serial;
    /* The item begins where anything may begin, in every entry. */
    _Alignas(max_align_t) unsigned char item[];
};

/* ---- memory ---- */

static bool store_is_heap(const struct asyncio_queue *queue)
{
    return queue->order_ == STORE_PRIORITY;
}

/* Bytes from one item to the next. */
static size_t store_stride(const struct asyncio_queue *queue)
{
    const size_t align = _Alignof(struct entry);
    if (!store_is_heap(queue))
        return queue->item_size_;
    return (sizeof(struct entry) + queue->item_size_ + align - 1) &
           ~(align - 1);
}

/* False when it is more than any memory holds. */
static bool store_bytes(const struct asyncio_queue *queue, size_t capacity,
                        size_t *ret_bytes)
{
    if (store_is_heap(queue) && capacity++ == SIZE_MAX)
        return false;
    return !__builtin_mul_overflow(capacity, store_stride(queue), ret_bytes) &&
           *ret_bytes <= PTRDIFF_MAX;
}

static void *store_at(const struct asyncio_queue *queue, size_t offset)
{
    size_t index = queue->head_ + offset;
    if (index >= queue->capacity_)
        index -= queue->capacity_;
    return queue->items_ + index * store_stride(queue);
}

/* Copies all items to `to`, the oldest first; heap and stack begin at 0. */
static void store_copy(const struct asyncio_queue *queue, unsigned char *to)
{
    size_t stride = store_stride(queue);
    size_t until_end = queue->capacity_ - queue->head_;
    size_t first = queue->count_ < until_end ? queue->count_ : until_end;
    if (!queue->count_)
        return;
    memcpy(to, store_at(queue, 0), first * stride);
    memcpy(to + first * stride, queue->items_,
           (queue->count_ - first) * stride);
}

static int store_resize(struct asyncio_queue *queue, size_t capacity)
{
    size_t bytes;
    if (!store_bytes(queue, capacity, &bytes))
        return -ENOMEM;
    unsigned char *items = mem_alloc(bytes);
    if (!items)
        return -ENOMEM;
    store_copy(queue, items);
    mem_free(queue->items_);
    queue->items_ = items;
    queue->capacity_ = capacity;
    queue->head_ = 0;
    return 0;
}

static int store_grow(struct asyncio_queue *queue)
{
    size_t capacity = STORE_FIRST_CAPACITY;
    if (queue->capacity_ > SIZE_MAX / 2)
        return -ENOMEM;
    if (queue->capacity_)
        capacity = 2 * queue->capacity_;
    return store_resize(queue, capacity < queue->max_ ? capacity : queue->max_);
}

int store_init(struct asyncio_queue *queue)
{
    size_t bytes;
    queue->items_ = NULL;
    queue->capacity_ = 0;
    queue->head_ = 0;
    queue->count_ = 0;
    queue->sequence_ = 0;
    /* The bound on the size keeps the stride from wrapping round. */
    if (!queue->item_size_ || queue->item_size_ > PTRDIFF_MAX ||
        !store_bytes(queue, STORE_FIRST_CAPACITY, &bytes))
        return -EINVAL;
    if (store_bytes(queue, queue->max_, &bytes) && bytes <= STORE_EAGER_BYTES)
        return store_resize(queue, queue->max_);
    return 0;
}

void store_fini(struct asyncio_queue *queue)
{
    mem_free(queue->items_);
    queue->items_ = NULL;
    queue->capacity_ = 0;
    queue->count_ = 0;
}

/* ---- the heap ---- */

static int entry_compare(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;
    int order = left->compare(left->item, right->item);
    if (order)
        return order;
    return left->serial < right->serial ? -1 : 1;
}

static struct heap store_heap(const struct asyncio_queue *queue)
{
    return (struct heap){
        .items = (char *)queue->items_,
        .item_size = store_stride(queue),
        .count = queue->count_,
        .capacity = queue->capacity_,
        .compare = entry_compare,
    };
}

/* The one past the capacity. */
static struct entry *store_spare(const struct asyncio_queue *queue)
{
    return (void *)(queue->items_ + queue->capacity_ * store_stride(queue));
}

static void store_push_heap(struct asyncio_queue *queue, const void *item)
{
    struct heap heap = store_heap(queue);
    struct entry *entry = store_spare(queue);
    entry->compare = queue->compare_;
    entry->serial = queue->sequence_++;
    memcpy(entry->item, item, queue->item_size_);
    heap_push(&heap, entry);
}

static void store_pop_heap(struct asyncio_queue *queue, void *ret_item)
{
    struct heap heap = store_heap(queue);
    struct entry *entry = store_spare(queue);
    heap_pop(&heap, entry);
    memcpy(ret_item, entry->item, queue->item_size_);
}

/* ---- in and out ---- */

int store_push(struct asyncio_queue *queue, const void *item)
{
    if (unlikely(queue->count_ == queue->capacity_)) {
        int err = store_grow(queue);
        if (err < 0)
            return err;
    }
    if (store_is_heap(queue))
        store_push_heap(queue, item);
    else
        memcpy(store_at(queue, queue->count_), item, queue->item_size_);
    queue->count_++;
    return 0;
}

void store_pop(struct asyncio_queue *queue, void *ret_item)
{
    DEBUG_ASSERT(queue->count_ > 0);
    if (store_is_heap(queue)) {
        store_pop_heap(queue, ret_item);
    } else if (queue->order_ == STORE_LIFO) {
        memcpy(ret_item, store_at(queue, queue->count_ - 1),
               queue->item_size_);
    } else {
        memcpy(ret_item, store_at(queue, 0), queue->item_size_);
        if (++queue->head_ == queue->capacity_)
            queue->head_ = 0;
    }
    queue->count_--;
}

void store_clear(struct asyncio_queue *queue)
{
    queue->head_ = 0;
    queue->count_ = 0;
}
