#include "cache/block_pool.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "base/error.h"
#include "cache/sequence_blocks.h"

namespace yoke {
namespace {

TEST(BlockPool, HandsOutEveryBlockOnceAndThenNone) {
  BlockPool pool(5);
  std::set<int32_t> seen;
  for (int i = 0; i < 5; ++i) seen.insert(pool.allocate().value());
  EXPECT_EQ(seen, (std::set<int32_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(pool.allocate(), std::nullopt);
  EXPECT_EQ(pool.free_blocks(), 0);
}

TEST(BlockPool, ASharedBlockIsFreeOnlyAfterItsLastUser) {
  BlockPool pool(1);
  const int32_t id = *pool.allocate();
  pool.share(id);
  pool.release(id);
  EXPECT_EQ(pool.allocate(), std::nullopt);
  pool.release(id);
  EXPECT_EQ(pool.free_blocks(), 1);
  EXPECT_EQ(pool.references(id), 0);
}

TEST(BlockPool, TakesWhatWasFreedLongestAgo) {
  BlockPool pool(3);
  for (int i = 0; i < 3; ++i) pool.allocate();
  for (const int32_t id : {2, 0, 1}) pool.release(id);
  EXPECT_EQ(pool.allocate(), 2);
  EXPECT_EQ(pool.allocate(), 0);
  EXPECT_EQ(pool.allocate(), 1);
}

TEST(BlockPool, RefusesMisuse) {
  BlockPool pool(2);
  EXPECT_THROW(pool.release(0), Error);
  EXPECT_THROW(pool.share(1), Error);
  EXPECT_THROW(pool.release(-1), Error);
  EXPECT_THROW(pool.share(2), Error);
  EXPECT_THROW(BlockPool(-1), Error);
}

TEST(SequenceBlocks, ReservesAllOrNothing) {
  BlockPool pool(3);
  SequenceBlocks blocks(pool);
  EXPECT_TRUE(blocks.reserve(0));
  EXPECT_TRUE(blocks.blocks().empty());
  EXPECT_TRUE(blocks.reserve(33));
  EXPECT_EQ(blocks.capacity(), 64);
  EXPECT_FALSE(blocks.reserve(97));
  EXPECT_EQ(blocks.capacity(), 64);
  EXPECT_TRUE(blocks.reserve(96));
  EXPECT_EQ(pool.free_blocks(), 0);
  blocks.truncate(32);
  EXPECT_EQ(blocks.capacity(), 32);
  EXPECT_EQ(pool.free_blocks(), 2);
}

TEST(SequenceBlocks, ForkSharesWholeBlocksOnly) {
  BlockPool pool(4);
  SequenceBlocks one(pool);
  ASSERT_TRUE(one.reserve(70));
  {
    SequenceBlocks two = one.fork(70);
    EXPECT_EQ(two.capacity(), 64);
    EXPECT_EQ(pool.references(one.blocks()[1]), 2);
    EXPECT_EQ(pool.references(one.blocks()[2]), 1);
    ASSERT_TRUE(two.reserve(65));
    EXPECT_NE(two.blocks()[2], one.blocks()[2]);
  }
  EXPECT_EQ(pool.free_blocks(), 1);
  EXPECT_EQ(pool.references(one.blocks()[1]), 1);
}

TEST(SequenceBlocks, WritesItsRowPaddedWithMinusOne) {
  BlockPool pool(4);
  SequenceBlocks blocks(pool);
  ASSERT_TRUE(blocks.reserve(64));
  std::vector<int32_t> row(4, 77);
  blocks.write_row(row);
  EXPECT_EQ(row, (std::vector<int32_t>{0, 1, -1, -1}));
  std::vector<int32_t> narrow(1);
  EXPECT_THROW(blocks.write_row(narrow), Error);
}

// Random users of one pool: at any time each block has as many references as users, and none is lost.
TEST(SequenceBlocks, RandomUseKeepsTheBooks) {
  std::mt19937 random(7);
  BlockPool pool(40);
  {
    std::vector<SequenceBlocks> users;
    for (int step = 0; step < 5000; ++step) {
      const auto pick = [&] { return random() % users.size(); };
      switch (users.empty() ? 0 : random() % 4) {
        case 0:
          if (users.size() < 8) users.emplace_back(pool);
          break;
        case 1:
          users[pick()].reserve(random() % 500);
          break;
        case 2:
          users[pick()].truncate(random() % 300);
          break;
        case 3: {
          const size_t i = pick();
          users[pick()] = users[i].fork(random() % 400);
          break;
        }
      }
      std::vector<int32_t> counted(40, 0);
      for (const auto& user : users) {
        for (const int32_t id : user.blocks()) ++counted[static_cast<size_t>(id)];
      }
      int32_t free = 0;
      for (int32_t id = 0; id < 40; ++id) {
        ASSERT_EQ(pool.references(id), counted[static_cast<size_t>(id)]);
        free += counted[static_cast<size_t>(id)] == 0;
      }
      ASSERT_EQ(pool.free_blocks(), free);
    }
  }
  EXPECT_EQ(pool.free_blocks(), 40);
}

}  // namespace
}  // namespace yoke
