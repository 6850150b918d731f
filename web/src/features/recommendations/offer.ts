import type { RecommendationDetail } from '@/client/schema';
import type { OfferedTrade } from '@/lib/consequence';

/** The part of a recommendation that says what would be traded. */
export function offerOf(detail: RecommendationDetail): OfferedTrade {
  return {
    side: detail.side,
    legs: detail.legs,
    quantity: detail.quantity,
    limit_price: detail.limit_price,
    floor_price: detail.floor_price,
    contract: detail.contract,
    currency: detail.terms.legs[0]?.contract.currency ?? '',
    assignment_cash: detail.assignment_cash,
  };
}
